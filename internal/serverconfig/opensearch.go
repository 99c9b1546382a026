package serverconfig

import (
	"cmp"
	"fmt"

	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// Defaults of the OpenSearch that the operator runs, as those of openSearch.managed in the schema.
const (
	defaultOpenSearchHeap    = v1alpha1.Quantity("512Mi")
	defaultOpenSearchStorage = v1alpha1.Quantity("10Gi")
)

// ManagedOpenSearch is the OpenSearch to run, with every field but image and storageClassName set: an empty image is
// the operator's, no class is the cluster's default.
func ManagedOpenSearch(rag *v1alpha1.RAGService) (v1alpha1.ManagedOpenSearch, error) {
	var o v1alpha1.ManagedOpenSearch
	if given := rag.Spec.OpenSearch.Managed; given != nil {
		given.DeepCopyInto(&o)
	}
	o.Nodes = new(OpenSearchNodes(rag))
	o.Heap = cmp.Or(o.Heap, defaultOpenSearchHeap)
	o.Storage = cmp.Or(o.Storage, defaultOpenSearchStorage)
	// Twice the heap: the other half is for what Java keeps outside it and for the index files the kernel caches.
	heap, err := o.Heap.Quantity()
	if err != nil {
		return v1alpha1.ManagedOpenSearch{}, fmt.Errorf("spec.openSearch.managed.heap: %w", err)
	}
	o.Resources = new(storeResources(o.Resources, "250m", "2", inBytes(2*heap.Value())))
	return o, nil
}

// OpenSearchNodes is how many nodes of OpenSearch to run.
func OpenSearchNodes(rag *v1alpha1.RAGService) int32 {
	if managed := rag.Spec.OpenSearch.Managed; managed != nil {
		return ptr.Deref(managed.Nodes, 1)
	}
	return 1
}

// Defaults of the documents' index. In a service's own OpenSearch there is no other.
const (
	defaultIndex            = "documents"
	defaultExternalReplicas = 1
)

// OpenSearch is how servers keep the documents in the OpenSearch that the operator runs at url, or in the one that the spec names.
func OpenSearch(rag *v1alpha1.RAGService, url string) *config.OpenSearch {
	index := rag.Spec.OpenSearch.Index
	o := &config.OpenSearch{
		URLs:     []string{url},
		Index:    cmp.Or(index.Name, defaultIndex),
		Shards:   int(ptr.Deref(index.Shards, 1)),
		Replicas: int(ptr.Deref(index.Replicas, min(1, OpenSearchNodes(rag)-1))),
	}
	if external := rag.Spec.OpenSearch.External; external != nil {
		o.URLs = nil
		for _, address := range external.URLs {
			o.URLs = append(o.URLs, string(address))
		}
		// A namespace has no '.', so no two services have one index.
		o.Index = cmp.Or(index.Name, rag.Namespace+"."+rag.Name)
		o.Replicas = int(ptr.Deref(index.Replicas, defaultExternalReplicas))
	}
	o.Snapshots = snapshots(rag)
	return o
}

// snapshotRepository begins the name of the repository on a volume, which that of the volume's claim ends: OpenSearch remembers what is in a
// repository. Its folder is under path.repo; services may share the volume.
const (
	snapshotRepository   = "snapshots"
	defaultKeptSnapshots = 7
)

// snapshots are where those of the documents are kept; nil without any.
func snapshots(rag *v1alpha1.RAGService) *config.Snapshots {
	spec := rag.Spec.OpenSearch.Snapshots
	if spec == nil {
		return nil
	}
	s := &config.Snapshots{Repository: spec.Repository.Name, Keep: int(ptr.Deref(spec.Keep, defaultKeptSnapshots))}
	if claim := spec.Repository.ClaimName; claim != "" {
		s.Repository, s.Location = snapshotRepository+"."+claim, rag.Namespace+"."+rag.Name
	}
	return s
}
