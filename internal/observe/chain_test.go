package observe

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/test/controlplane"
)

// cluster is a namespace of a real API server. No controllers run there: what they would make is made by hand.
type cluster struct {
	client.Client
	t         *testing.T
	namespace string
	rag       *v1alpha1.RAGService
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c, err := client.New(controlplane.Start(t), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "observe-"}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	rag := &v1alpha1.RAGService{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "papers", UID: "rag"}}
	return &cluster{Client: c, t: t, namespace: namespace.Name, rag: rag}
}

// meta is the metadata of an object of the server, controlled by owner.
func (c *cluster) meta(name string, owner types.UID, labels map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: c.namespace, Name: name, Labels: labels,
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "v1", Kind: "Owner", Name: "owner", UID: owner, Controller: new(true),
		}},
	}
}

func (c *cluster) create(object client.Object) types.UID {
	c.t.Helper()
	if err := c.Create(c.t.Context(), object); err != nil {
		c.t.Fatal(err)
	}
	return object.GetUID()
}

var ours = desired.Labels("papers", desired.ComponentServer)

func template() corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: ours},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "server", Image: "i"}}},
	}
}

var selector = &metav1.LabelSelector{MatchLabels: desired.Selector("papers", desired.ComponentServer)}

func (c *cluster) deployment(name string, owner types.UID) types.UID {
	c.t.Helper()
	return c.create(&appsv1.Deployment{
		ObjectMeta: c.meta(name, owner, ours),
		Spec:       appsv1.DeploymentSpec{Selector: selector, Template: template()},
	})
}

func (c *cluster) replicaSet(name string, owner types.UID) types.UID {
	c.t.Helper()
	return c.create(&appsv1.ReplicaSet{
		ObjectMeta: c.meta(name, owner, ours),
		Spec:       appsv1.ReplicaSetSpec{Selector: selector, Template: template()},
	})
}

// readyPod is a ready pod at address.
func (c *cluster) readyPod(name string, owner types.UID, address string) {
	c.t.Helper()
	pod := &corev1.Pod{ObjectMeta: c.meta(name, owner, ours), Spec: template().Spec}
	c.create(pod)
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: address, PodIPs: []corev1.PodIP{{IP: address}},
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
	}
	if err := c.Status().Update(c.t.Context(), pod); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) asked() []string {
	c.t.Helper()
	found, err := targets(c.t.Context(), c, client.ObjectKeyFromObject(c.rag), c.rag.UID)
	if err != nil {
		c.t.Fatal(err)
	}
	var addresses []string
	for _, target := range found {
		addresses = append(addresses, target.address.String())
	}
	slices.Sort(addresses)
	return addresses
}

// observe is a whole look of o.
func (c *cluster) observe(o *Observer) status.Observed {
	c.t.Helper()
	snapshot, err := o.Read(c.t.Context(), c.rag)
	if err != nil {
		c.t.Fatal(err)
	}
	seen, err := o.Observe(c.t.Context(), snapshot)
	if err != nil {
		c.t.Fatal(err)
	}
	return seen
}

// TestOnlyOwnServersAreAsked gives pods of all kinds the labels of servers. The chain of controllers decides.
func TestOnlyOwnServersAreAsked(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	if got := c.asked(); len(got) > 0 {
		t.Errorf("asked %v, though there is no Deployment", got)
	}
	own := c.deployment("papers-server", c.rag.UID)
	set := c.replicaSet("papers-server-1", own)
	c.readyPod("a", set, "10.1.0.1")
	c.readyPod("b", set, "10.1.0.2")

	other := c.deployment("other", c.rag.UID)
	c.readyPod("of-another-deployment", c.replicaSet("other-1", other), "10.6.6.1")
	c.readyPod("of-the-deployment-directly-named", "made-up", "10.6.6.2")
	c.readyPod("of-the-service-itself", c.rag.UID, "10.6.6.3")

	if diff := cmp.Diff([]string{"10.1.0.1", "10.1.0.2"}, c.asked()); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
}

func TestServersOfAnotherOwnerAreNotAsked(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	foreign := c.deployment("papers-server", "somebody")
	c.readyPod("a", c.replicaSet("papers-server-1", foreign), "10.1.0.1")
	if got := c.asked(); len(got) > 0 {
		t.Errorf("asked %v, though the Deployment is somebody else's", got)
	}
	observer := &Observer{Reader: c, Poller: NewPoller(c), Now: func() time.Time { return now }}
	seen := c.observe(observer)
	if diff := cmp.Diff(status.Observed{Workloads: map[desired.Component]status.Workload{}}, seen); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

// TestObserve sees a store whose pod keeps ending.
func TestObserve(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	labels := desired.Labels("papers", desired.ComponentOpenSearch)
	pods := template()
	pods.Labels = labels
	set := &appsv1.StatefulSet{
		ObjectMeta: c.meta("papers-opensearch", c.rag.UID, labels),
		Spec: appsv1.StatefulSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: desired.Selector("papers", desired.ComponentOpenSearch)}, Template: pods,
		},
	}
	c.create(set)
	set.Status = appsv1.StatefulSetStatus{ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1}
	if err := c.Status().Update(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: c.meta("papers-opensearch-0", set.UID, labels), Spec: template().Spec}
	c.create(pod)
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
		Name: "opensearch", State: waiting("CrashLoopBackOff"), LastTerminationState: ended("OOMKilled", 137),
	}}}
	if err := c.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}

	observer := &Observer{Reader: c, Poller: NewPoller(c), Now: func() time.Time { return now }}
	seen := c.observe(observer)
	want := status.Observed{
		Workloads: map[desired.Component]status.Workload{
			desired.ComponentOpenSearch: {Replicas: 1, UpdatedReplicas: 1, WantedReplicas: 1, UpToDate: true},
		},
		Diagnostics: []status.ComponentDiagnostic{{Component: desired.ComponentOpenSearch, Diagnostic: v1alpha1.Diagnostic{
			Pod: "papers-opensearch-0", Container: "opensearch", Reason: status.ReasonOOMKilled, ExitCode: new(int32(137)),
			Next: "raise the memory limit in spec.openSearch.managed.resources",
		}}},
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestReusedVolume(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		annotations map[string]string
		want        map[desired.Component]string
	}{
		"made by this one":      {map[string]string{desired.AnnotationServiceUID: "rag"}, nil},
		"left by an earlier":    {map[string]string{desired.AnnotationServiceUID: "earlier"}, map[desired.Component]string{desired.ComponentOpenSearch: "slow"}},
		"nobody knows by which": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := newCluster(t)
			world.create(&corev1.PersistentVolumeClaim{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: world.namespace, Name: desired.ClaimName("papers", desired.ComponentOpenSearch), Annotations: c.annotations,
					Labels: desired.Labels("papers", desired.ComponentOpenSearch),
				},
				Spec: volumeOfOneGi(new("slow")),
			})
			observer := &Observer{Reader: world, Poller: NewPoller(world), Now: func() time.Time { return now }}
			seen := world.observe(observer)
			if diff := cmp.Diff(c.want, seen.ReusedVolumes); diff != "" {
				t.Errorf("reused (-want +got):\n%s", diff)
			}
		})
	}
}
