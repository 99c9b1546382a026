package observe

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// children is what exists now.
func (c *cluster) children() desired.Children {
	c.t.Helper()
	snapshot, err := (&Observer{Reader: c, Poller: NewPoller(c)}).Read(c.t.Context(), c.rag)
	if err != nil {
		c.t.Fatal(err)
	}
	return snapshot.Children()
}

func TestNodesOfOpenSearch(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	if diff := cmp.Diff(desired.Nodes{}, c.children().OpenSearch, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("without a StatefulSet (-want +got):\n%s", diff)
	}
	set := c.storeOf(desired.ComponentOpenSearch, c.rag.UID, nil)
	ready := c.node("papers-opensearch-1", set.UID, "new", corev1.ConditionTrue)
	unready := c.node("papers-opensearch-0", set.UID, "old", corev1.ConditionFalse)
	c.node("theirs", "another", "old", corev1.ConditionTrue)
	want := desired.Nodes{Wanted: 1, Pods: []desired.Node{
		{Name: unready.Name, UID: unready.UID, Revision: "old"},
		{Name: ready.Name, UID: ready.UID, Revision: "new", Ready: true},
	}}
	if diff := cmp.Diff(want, c.children().OpenSearch, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("before its controller has seen it (-want +got):\n%s", diff)
	}

	set.Status = appsv1.StatefulSetStatus{ObservedGeneration: set.Generation, UpdateRevision: "new"}
	if err := c.Status().Update(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	want.Revision = "new"
	if diff := cmp.Diff(want, c.children().OpenSearch, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("after it has (-want +got):\n%s", diff)
	}

	// The pods of a StatefulSet that another RAGService left are not ours to replace.
	c.rag.UID = "5c6d7e8f-0000-4000-8000-000000000002"
	if diff := cmp.Diff(desired.Nodes{}, c.children().OpenSearch, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("of another RAGService (-want +got):\n%s", diff)
	}
}

func TestStatefulSetsThatExist(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	if got := c.children().StatefulSets; len(got) > 0 {
		t.Errorf("before there is one: %v", got)
	}
	own := c.storeOf(desired.ComponentRedisState, c.rag.UID, new("slow"))
	c.storeOf(desired.ComponentRedisCache, "somebody", new("fast"))
	left := c.storeOf(desired.ComponentOpenSearch, "", nil)
	template := desired.VolumeTemplate{Maker: "maker", Class: "slow", Size: resource.MustParse("1Gi")}
	withDefault := template
	withDefault.Class = ""
	want := map[desired.Component]desired.StatefulSet{
		desired.ComponentRedisState: {Name: own.Name, UID: own.UID, ResourceVersion: own.ResourceVersion, Volume: &template},
		desired.ComponentOpenSearch: {Name: left.Name, UID: left.UID, ResourceVersion: left.ResourceVersion, Volume: &withDefault},
	}
	if diff := cmp.Diff(want, c.children().StatefulSets); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestClaimsThatExist(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	claim := func(name, service string, owners ...metav1.OwnerReference) *corev1.PersistentVolumeClaim {
		made := &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: c.namespace, Name: name, Labels: desired.Labels(service, desired.ComponentOpenSearch), OwnerReferences: owners,
			},
			Spec: volumeOfOneGi(nil),
		}
		c.create(made)
		return made
	}
	owner := metav1.OwnerReference{APIVersion: "ragservice.dev/v1alpha1", Kind: "RAGService", Name: "papers", UID: c.rag.UID}
	claim("staying", "papers")
	bound := claim("going", "papers", owner)
	claim("theirs", "others", owner)
	bound.Status.Phase = corev1.ClaimBound
	if err := c.Status().Update(t.Context(), bound); err != nil {
		t.Fatal(err)
	}
	size := resource.MustParse("1Gi")
	want := map[string]desired.ExistingClaim{"staying": {Size: size}, "going": {Size: size, Bound: true, GoesWithService: true}}
	if diff := cmp.Diff(want, c.children().Claims); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func volumeOfOneGi(class *string) corev1.PersistentVolumeClaimSpec {
	return corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: class,
		Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
	}
}

// storeOf makes a store's StatefulSet with a volume, controlled by owner; for no owner it is one that was left behind.
func (c *cluster) storeOf(component desired.Component, owner types.UID, class *string) *appsv1.StatefulSet {
	c.t.Helper()
	stamp := map[string]string{desired.AnnotationServiceUID: "maker"}
	labels := desired.Labels("papers", component)
	pods := template()
	pods.Labels = labels
	set := &appsv1.StatefulSet{
		ObjectMeta: c.meta(desired.Name("papers", component), owner, labels),
		Spec: appsv1.StatefulSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: desired.Selector("papers", component)}, Template: pods,
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{
				ObjectMeta: metav1.ObjectMeta{Name: desired.DataVolume, Annotations: stamp}, Spec: volumeOfOneGi(class),
			}},
		},
	}
	set.Annotations = stamp
	if owner == "" {
		set.OwnerReferences = nil
	}
	c.create(set)
	return set
}

// node makes a pod as a StatefulSet's controller and a kubelet would.
func (c *cluster) node(name string, owner types.UID, revision string, ready corev1.ConditionStatus) *corev1.Pod {
	c.t.Helper()
	pod := &corev1.Pod{ObjectMeta: c.meta(name, owner, desired.Labels("papers", desired.ComponentOpenSearch)), Spec: template().Spec}
	pod.Labels[appsv1.ControllerRevisionHashLabelKey] = revision
	c.create(pod)
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}
	if err := c.Status().Update(c.t.Context(), pod); err != nil {
		c.t.Fatal(err)
	}
	return pod
}
