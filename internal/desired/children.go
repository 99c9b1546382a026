package desired

import (
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// Children is what exists of a RAGService and decides what shall: it was read before anything is built.
type Children struct {
	// Server is the server's Deployment; nil while the cache has none.
	Server *Deployment
	// OpenSearch is what runs of it.
	OpenSearch Nodes
	// StatefulSets are those of stores that exist.
	StatefulSets map[Component]StatefulSet
	// Serving is how far its pods are.
	Serving Serving
	// Claims are the volume claims that exist, by name.
	Claims map[string]ExistingClaim
	// SnapshotClaimMissing says that there is no claim of the name SnapshotClaim, and MountedSnapshotClaim is the one that the nodes of
	// OpenSearch mount.
	SnapshotClaimMissing bool
	MountedSnapshotClaim string
	// SecretsHashes are those that the templates of pods have, by AnnotationSecretsHash.
	SecretsHashes map[Component]string
}

// Serving is how far the pods of the server are.
type Serving struct {
	// StartHash is what its pods roll on, beside Secrets.
	StartHash string
	// RolledOut says that all of its pods are ready and of its latest template.
	RolledOut bool
}

// StatefulSet is the StatefulSet of a store, its own or one that an earlier RAGService of its name left behind.
type StatefulSet struct {
	Name            string
	UID             types.UID
	ResourceVersion string
	Deleting        bool
	// SeveralNodes says that it has AnnotationSeveralNodes.
	SeveralNodes bool
	// Volume is its template of volumes; nil when it has none.
	Volume *VolumeTemplate
}

// VolumeTemplate is the template of a StatefulSet's volumes, which cannot be changed.
type VolumeTemplate struct {
	// Maker is the UID of the RAGService that its volumes are stamped with.
	Maker types.UID
	// Class is empty for the cluster's default of when it was made.
	Class string
	Size  resource.Quantity
}

// ExistingClaim is a volume claim as it is.
type ExistingClaim struct {
	GoesWithService, Bound bool
	// Size is what it asks for.
	Size resource.Quantity
	// ClusterUUID is that of the OpenSearch cluster that its node has joined; empty before.
	ClusterUUID string
	// Emptied says that it has AnnotationEmptied.
	Emptied bool
}

// removal is the StatefulSet that has to go before a store can be written, since its template of volumes cannot become what it
// shall be: it was left behind by an earlier RAGService, whose UID it bears, or its volumes were smaller. nil when none has to.
func (b build) removal(c Component, size resource.Quantity) *DeleteStatefulSet {
	set, exists := b.StatefulSets[c]
	if !exists || set.Volume == nil {
		return nil
	}
	earlier := set.Volume.Maker != "" && set.Volume.Maker != b.Service.UID
	if !earlier && set.Volume.Size.Cmp(size) >= 0 {
		return nil
	}
	return &DeleteStatefulSet{Component: c, Name: set.Name, UID: set.UID, ResourceVersion: set.ResourceVersion, Deleting: set.Deleting}
}

// keepClaim is keepClaimOf for the first pod of a component.
func (b build) keepClaim(c Component, size resource.Quantity) []Action {
	return b.keepClaimOf(c, ClaimName(b.Service.Name, c), size)
}

// keepClaimOf is what has to be done to a volume claim so that it goes with the RAGService, or stays, and is large enough. One that
// is larger, as an earlier RAGService left it, stays so; one that is not bound cannot grow yet.
func (b build) keepClaimOf(c Component, name string, size resource.Quantity) []Action {
	claim, exists := b.Claims[name]
	if !exists {
		return nil
	}
	var actions []Action
	if goes := b.Service.Spec.DeletionPolicy == v1alpha1.DeletionPolicyDelete; goes != claim.GoesWithService {
		actions = append(actions, OwnClaim{Component: c, Name: name, GoesWithService: goes})
	}
	if claim.Bound && claim.Size.Cmp(size) < 0 {
		actions = append(actions, GrowClaim{Component: c, Name: name, Size: size})
	}
	return actions
}

// externalStore is a store that the operator does not run: it has no objects. What the operator ran before stays until the servers no
// longer use it, and its volume after that.
func externalStore(p part, b build) ComponentPlan {
	plan := ComponentPlan{Actions: b.keepClaim(p.component, resource.Quantity{})}
	if p.component == ComponentOpenSearch {
		plan.Actions = b.nodeActions(resource.Quantity{})
	}
	_, runs := b.StatefulSets[p.component]
	plan.Stays = runs && (!b.Serving.RolledOut || b.Serving.StartHash != b.config.startHash)
	if claim := ClaimName(p.service.Name, p.component); !runs {
		if _, left := b.Claims[claim]; left {
			plan.Kept = claim
		}
	}
	return plan
}
