package desired

import (
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// maxNodes bounds spec.openSearch.managed.nodes, as its schema does.
const maxNodes = 9

// nodes is how many nodes of OpenSearch there shall be now. Those beyond the spec's number whose volumes exist are among them until they are
// empty, whether the number went down or an earlier RAGService left them: documents may be there alone, and their cluster may have no
// majority without them.
func (b build) nodes() int32 {
	n := serverconfig.OpenSearchNodes(b.Service)
	for i := n; i < maxNodes; i++ {
		if claim, exists := b.Claims[b.nodeClaim(i)]; exists && !claim.Emptied {
			n = i + 1
		}
	}
	return n | 1 // an odd number
}

// several says that the operator asks nodes how their cluster is: there are several, or there were. The last of them still has to be told that
// no others shall leave.
func (b build) several() bool {
	return b.nodes() > 1 || b.StatefulSets[ComponentOpenSearch].SeveralNodes && b.formed()
}

func (b build) node(ordinal int32) string {
	return Name(b.Service.Name, ComponentOpenSearch) + "-" + strconv.Itoa(int(ordinal))
}

func (b build) nodeClaim(ordinal int32) string {
	return ClaimNameOf(b.node(ordinal))
}

// nodesNow is how many nodes the StatefulSet has in this pass. None comes with a volume that is marked as empty: the mark would be untrue as soon
// as it holds a shard. And none goes that has not said just now that it is empty, whatever its volume's mark says.
func (b build) nodesNow() int32 {
	n := b.nodes()
	for i := n; i < b.OpenSearch.Wanted; i++ {
		_, hasVolume := b.Claims[b.nodeClaim(i)]
		if hasVolume && (!b.isOurs(b.OpenSearch.ClusterUUID) || !slices.Contains(b.OpenSearch.Empty, b.node(i))) {
			return b.OpenSearch.Wanted
		}
	}
	for i := b.OpenSearch.Wanted; i < n; i++ {
		if b.Claims[b.nodeClaim(i)].Emptied {
			return max(i, 1)
		}
	}
	return n
}

// counted is how many nodes the cluster counts on, as volumes show: those that belong to it, of nodes that have not left.
func (b build) counted() (n int32) {
	for i := range b.nodes() {
		if claim := b.Claims[b.nodeClaim(i)]; claim.ClusterUUID != "" && !claim.Emptied {
			n++
		}
	}
	return n
}

// formed says that the cluster exists.
func (b build) formed() bool { return b.counted() > 0 }

// nodeActions keep the volumes of all nodes, and note on them that their cluster exists, and which are empty.
func (b build) nodeActions(size resource.Quantity) []Action {
	var actions []Action
	for i := range b.nodes() {
		name := b.nodeClaim(i)
		actions = append(actions, b.keepClaimOf(ComponentOpenSearch, name, size)...)
		claim, exists := b.Claims[name]
		if uuid := b.OpenSearch.ClusterUUID; exists && b.hasJoined(i) && claim.ClusterUUID == "" {
			actions = append(actions, b.mark(i, AnnotationClusterUUID, uuid))
		}
		// One of another cluster could not join: its mark stays, and with it the number of nodes, until somebody deletes it.
		ofAnother := claim.ClusterUUID != "" && claim.ClusterUUID != b.OpenSearch.ClusterUUID
		if i < serverconfig.OpenSearchNodes(b.Service) && claim.Emptied && !ofAnother {
			actions = append(actions, b.mark(i, AnnotationEmptied, ""))
		}
	}
	return actions
}

// hasJoined says that a node has joined the cluster that the documents are in, or a new one.
func (b build) hasJoined(ordinal int32) bool {
	now := b.OpenSearch
	return slices.Contains(now.Joined, b.node(ordinal)) && (b.isOurs(now.ClusterUUID) || !b.formed())
}

func (b build) mark(ordinal int32, annotation, value string) MarkClaim {
	return MarkClaim{Component: ComponentOpenSearch, Name: b.nodeClaim(ordinal), Annotation: annotation, Value: value}
}

// leaving are the nodes beyond the spec's number, sorted: there are at most nine.
func (b build) leaving() []string {
	var names []string
	for i := serverconfig.OpenSearchNodes(b.Service); i < b.OpenSearch.Wanted; i++ {
		names = append(names, b.node(i))
	}
	return names
}

// leave is the next step by which nodes go that are beyond the spec's number: the others take their shards and elect without them; the
// volumes of those that are empty are marked, and with that the StatefulSet becomes smaller; when they are gone, nothing keeps their names
// from coming back. It is a step forward or back from whatever an earlier pass did. A node that cannot start, or is lost, holds up no other. While pods
// end that were to go, nothing is undone: with a vote they would take the majority along.
func (b build) leave() []Action {
	now := b.OpenSearch
	asked := slices.IndexFunc(now.Pods, func(n Node) bool { return n.Ready && !n.Deleting && n.Address.IsValid() })
	names := b.leaving()
	undoes := !isSubset(now.Leaving, names)
	if asked < 0 || !b.isOurs(now.ClusterUUID) || undoes && b.nodesEnd() || b.staysMarked() {
		return nil
	}
	if !b.told() {
		pod := now.Pods[asked]
		return []Action{SetLeaving{
			Pod: pod.Name, Address: pod.Address, ClusterUUID: now.ClusterUUID, Nodes: names, Staying: b.staying(),
		}}
	}
	var marks []Action
	empty := isSubset(names, now.Empty)
	for i := serverconfig.OpenSearchNodes(b.Service); i < now.Wanted; i++ {
		if claim, exists := b.Claims[b.nodeClaim(i)]; exists && claim.Emptied != empty {
			value := ""
			if empty {
				value = now.ClusterUUID
			}
			marks = append(marks, b.mark(i, AnnotationEmptied, value))
		}
	}
	return marks
}

// staying are the nodes of the spec's number that there are, or should be.
func (b build) staying() []string {
	var names []string
	for i := range min(serverconfig.OpenSearchNodes(b.Service), b.OpenSearch.Wanted) {
		names = append(names, b.node(i))
	}
	return names
}

// keepCopies leaves the documents their copies while nodes are to leave and those that stay have not all joined: the last one may be on a node that
// leaves, and be lost with it.
func (b build) keepCopies(settings *config.Config) {
	if b.Service.Spec.OpenSearch.External != nil || b.Service.Spec.OpenSearch.Index.Replicas != nil || len(b.leaving()) == 0 {
		return
	}
	if !isSubset(b.staying(), b.OpenSearch.Joined) {
		settings.Stores.OpenSearch.Replicas = 1
	}
}

// members are the nodes that are counted. Where no volume shows anything they are all that there are, since a cluster that has lost most of its
// nodes must not pass for one that grows.
func (b build) members() int32 {
	if n := b.counted(); n > 0 {
		return n
	}
	return b.nodes()
}

// told says that the cluster has said that it knows which nodes shall leave, and that no others shall. While nodes leave and all others have
// joined, it shall know as well that one which is lost has no vote.
func (b build) told() bool {
	now, names := b.OpenSearch, b.leaving()
	if now.LostVoters && len(names) > 0 && isSubset(b.staying(), now.Joined) {
		return false
	}
	return now.ClusterUUID != "" && slices.Equal(now.Leaving, names) && isSubset(names, now.Excluded)
}

// nodesEnd says that nodes are about to go, by what the API server or their cluster shows.
func (b build) nodesEnd() bool {
	now := b.OpenSearch
	return len(now.Joined) > int(now.Wanted) || len(now.Pods) > int(now.Wanted) || slices.ContainsFunc(now.Pods, func(n Node) bool { return n.Deleting })
}

// isOurs says that a cluster is the one that has the documents, as a volume of it shows: one node alone on an empty volume is green, too.
func (b build) isOurs(uuid string) bool {
	for i := range int32(maxNodes) {
		if b.Claims[b.nodeClaim(i)].ClusterUUID == uuid {
			return uuid != ""
		}
	}
	return false
}

// staysMarked says that the volume of a node that is to stay is marked as empty. The mark goes first.
func (b build) staysMarked() bool {
	for i := range min(serverconfig.OpenSearchNodes(b.Service), b.OpenSearch.Wanted) {
		if b.Claims[b.nodeClaim(i)].Emptied {
			return true
		}
	}
	return false
}

func isSubset(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// emptied are the volume claims of nodes that have left.
func (b build) emptied() []string {
	var names []string
	for i := b.OpenSearch.Wanted; i < maxNodes; i++ {
		if b.Claims[b.nodeClaim(i)].Emptied {
			names = append(names, b.nodeClaim(i))
		}
	}
	return names
}
