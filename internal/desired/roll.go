package desired

import (
	"net/netip"

	"k8s.io/apimachinery/pkg/types"
)

// Nodes is what runs of OpenSearch before a pass.
type Nodes struct {
	// Wanted is how many there shall be.
	Wanted int32
	// Revision is that of the latest template; empty while the StatefulSet's controller has not seen it.
	Revision string
	Pods     []Node
	// Green says that all nodes have joined and every shard has all its copies; false also while that is not known.
	Green bool
	// ClusterUUID is that of the cluster that the nodes named in Joined, which is sorted, have joined; empty while that is not known.
	ClusterUUID string
	Joined      []string
	// LostVoters says that nodes have a vote that are not there.
	LostVoters bool
	// Leaving are the nodes that the operator has told the cluster to do without, Excluded those whose shards go elsewhere, and Empty those of
	// both that hold nothing any more. They are sorted.
	Leaving, Excluded, Empty []string
}

// Node is a pod of OpenSearch.
type Node struct {
	Name            string
	UID             types.UID
	Revision        string
	Ready, Deleting bool
	// Address is where it listens; zero while it has none.
	Address netip.Addr
}

// rollOpenSearch deletes pods of earlier revisions. One that is not ready serves nobody and goes at once: it may never
// become ready otherwise. One that is ready goes alone, and only while all others are there, ready, and hold every shard;
// a single node has no other to wait for. While some leave, those that are ready stay: the others may have no vote.
func rollOpenSearch(nodes Nodes, leave bool) []Action {
	if nodes.Revision == "" {
		return nil
	}
	var unready []Action
	var next *DeletePod
	whole := nodes.Green && len(nodes.Pods) == int(nodes.Wanted)
	for _, pod := range nodes.Pods {
		outdated := pod.Revision != nodes.Revision && !pod.Deleting
		deletion := DeletePod{ComponentOpenSearch, pod.Name, pod.UID}
		switch {
		case outdated && !pod.Ready:
			unready = append(unready, deletion)
		case outdated && next == nil:
			next = &deletion
		}
		whole = whole && pod.Ready && !pod.Deleting
	}
	leave = leave || len(nodes.Leaving) > 0
	if next != nil && !leave && (whole || nodes.Wanted == 1) {
		return append(unready, *next)
	}
	return unready
}
