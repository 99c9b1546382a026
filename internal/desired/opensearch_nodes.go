package desired

import (
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ragservice/ragservice-operator/internal/serverconfig"
)

// maxNodes bounds spec.openSearch.managed.nodes, as its schema does.
const maxNodes = 9

// nodes is how many nodes of OpenSearch there shall be. Those whose volumes exist, as an earlier RAGService or one with other stores
// left them, are among them: their cluster has no majority without them.
func (b build) nodes() int32 {
	n := serverconfig.OpenSearchNodes(b.Service)
	for i := n; i < maxNodes; i++ {
		if _, exists := b.Claims[b.nodeClaim(i)]; exists {
			n = i + 1
		}
	}
	return n | 1 // an odd number
}

func (b build) nodeClaim(ordinal int32) string {
	return ClaimNameOf(Name(b.Service.Name, ComponentOpenSearch) + "-" + strconv.Itoa(int(ordinal)))
}

// nodesNow is how many nodes the StatefulSet has in this pass. One node listens to itself alone, so it restarts before others come:
// they would find nobody.
func (b build) nodesNow(rollHash string) int32 {
	n := b.nodes()
	set, exists := b.StatefulSets[ComponentOpenSearch]
	running := b.OpenSearch
	if !exists || n == 1 || running.Wanted != 1 {
		return n
	}
	listens := set.ConfigHash == rollHash && running.Revision != "" && len(running.Pods) == 1 &&
		running.Pods[0].Revision == running.Revision && running.Pods[0].Ready && !running.Pods[0].Deleting
	if listens {
		return n
	}
	return 1
}

// formed says that the cluster exists: a volume belongs to it.
func (b build) formed() bool {
	for i := range b.nodes() {
		if b.Claims[b.nodeClaim(i)].ClusterUUID != "" {
			return true
		}
	}
	return false
}

// nodeActions keep the volumes of all nodes, and note on them that their cluster exists.
func (b build) nodeActions(size resource.Quantity) []Action {
	var actions []Action
	for i := range b.nodes() {
		name := b.nodeClaim(i)
		actions = append(actions, b.keepClaimOf(ComponentOpenSearch, name, size)...)
		claim, exists := b.Claims[name]
		if uuid := b.OpenSearch.ClusterUUID; exists && uuid != "" && claim.ClusterUUID != uuid {
			actions = append(actions, MarkClaim{Component: ComponentOpenSearch, Name: name, ClusterUUID: uuid})
		}
	}
	return actions
}
