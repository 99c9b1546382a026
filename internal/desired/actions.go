package desired

import (
	"net/netip"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
)

// Action is a step on what exists and is not rendered. What it does is decided when a Plan is built; apply executes it.
type Action interface{ isAction() }

// DeletePod deletes one pod and no other of its name, so that it comes back as its workload now says.
type DeletePod struct {
	Component Component
	Name      string
	UID       types.UID
}

// OwnClaim makes a volume claim go with the RAGService, or stay (spec.deletionPolicy).
type OwnClaim struct {
	Component       Component
	Name            string
	GoesWithService bool
}

// GrowClaim asks for a larger volume. The API server refuses where the claim's class does not allow it.
type GrowClaim struct {
	Component Component
	Name      string
	Size      resource.Quantity
}

// MarkClaim notes something on a volume claim, in an annotation; an empty value takes it off.
type MarkClaim struct {
	Component         Component
	Name              string
	Annotation, Value string
}

// SetLeaving tells a cluster of OpenSearch which of its nodes shall leave it, and that no others shall.
type SetLeaving struct {
	// Pod is the node that is asked, and Address where it listens.
	Pod         string
	Address     netip.Addr
	ClusterUUID string
	// Nodes are those that shall leave, sorted, and Staying those that shall not.
	Nodes, Staying []string
}

// OwnSecret makes a generated Secret go with the RAGService, or stay.
type OwnSecret struct {
	Name            string
	GoesWithService bool
}

// RotateSecret replaces the generated entries of one version of a Secret. Others that somebody added stay.
type RotateSecret struct {
	Name            string
	UID             types.UID
	ResourceVersion string
	Data            map[string][]byte
	// At is the request, which the Secret shows as done; empty when nobody asked, and the contents end by themselves.
	At string
}

// HandOver gives the number of pods of a Deployment, as it is then, to a manager of its own, from which an autoscaler takes it. A
// smaller number than AtLeast becomes that one.
type HandOver struct {
	Component Component
	Name      string
	AtLeast   int32
}

func (HandOver) isAction()     {}
func (DeletePod) isAction()    {}
func (OwnClaim) isAction()     {}
func (GrowClaim) isAction()    {}
func (OwnSecret) isAction()    {}
func (RotateSecret) isAction() {}
func (MarkClaim) isAction()    {}
func (SetLeaving) isAction()   {}

// DeleteStatefulSet deletes a StatefulSet and leaves its pods and volumes to the one that takes its place.
type DeleteStatefulSet struct {
	Component       Component
	Name            string
	UID             types.UID
	ResourceVersion string
	// Deleting says that it was deleted before, and is still there.
	Deleting bool
}
