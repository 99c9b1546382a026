package controller_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// The test's API server has no workload controllers, scheduler or kubelet. What they would write, statuses of workloads,
// ReplicaSets and pods, is written here by hand. The real ones are met in test/e2e.

var stores = []desired.Component{desired.ComponentRedisCache, desired.ComponentRedisState, desired.ComponentOpenSearch}

// runStores lets the stores of rag run.
func (w *world) runStores(rag *v1alpha1.RAGService) {
	w.t.Helper()
	for _, c := range stores {
		var set appsv1.StatefulSet
		w.awaits(rag, c, &set)
		w.setStatus(&set, func() {
			set.Status = appsv1.StatefulSetStatus{
				ObservedGeneration: set.Generation, Replicas: 1, ReadyReplicas: 1, AvailableReplicas: 1, UpdatedReplicas: 1,
			}
		})
	}
}

// runServers lets n server pods of rag run and be ready, which answer on loopback as they do.
func (w *world) runServers(rag *v1alpha1.RAGService, n int) []*fakeServer {
	w.t.Helper()
	var deployment appsv1.Deployment
	w.eventually(func() string {
		w.awaits(rag, desired.ComponentServer, &deployment)
		if a := rag.Spec.Server.Autoscaling; a != nil && *deployment.Spec.Replicas < *a.MinReplicas {
			return "the Deployment has fewer pods than an autoscaler would leave it"
		}
		return ""
	})
	set := w.replicaSet(&deployment)
	servers := make([]*fakeServer, n)
	for i := range servers {
		servers[i] = w.runServer(set, i, rag.Status.ConfigHash)
	}
	w.reportServers(&deployment, int32(n))
	return servers
}

// reportServers writes the Deployment's status: n pods, all of them ready and up to date.
func (w *world) reportServers(deployment *appsv1.Deployment, n int32) {
	w.t.Helper()
	w.setStatus(deployment, func() {
		deployment.Status = appsv1.DeploymentStatus{
			ObservedGeneration: deployment.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n,
		}
	})
}

// awaits waits for the workload of a component.
func (w *world) awaits(rag *v1alpha1.RAGService, c desired.Component, into client.Object) {
	w.t.Helper()
	w.eventually(func() string {
		key := client.ObjectKey{Namespace: rag.Namespace, Name: desired.Name(rag.Name, c)}
		if err := w.Get(w.t.Context(), key, into); err != nil {
			return err.Error()
		}
		return ""
	})
}

func (w *world) setStatus(object client.Object, change func()) {
	w.t.Helper()
	before := object.DeepCopyObject().(client.Object)
	change()
	w.must(w.Status().Patch(w.t.Context(), object, client.MergeFrom(before)))
}

func (w *world) replicaSet(deployment *appsv1.Deployment) *appsv1.ReplicaSet {
	w.t.Helper()
	set := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.namespace, Name: deployment.Name + "-1", Labels: deployment.Spec.Template.Labels,
		},
		Spec: appsv1.ReplicaSetSpec{Selector: deployment.Spec.Selector, Template: deployment.Spec.Template},
	}
	w.must(controllerutil.SetControllerReference(deployment, set, w.Scheme()))
	w.must(w.Create(w.t.Context(), set))
	return set
}

// pod makes a pod of a workload as its controller would, without a status.
func (w *world) pod(owner client.Object, name string, template corev1.PodTemplateSpec) *corev1.Pod {
	w.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name, Labels: template.Labels},
		Spec:       template.Spec,
	}
	w.must(controllerutil.SetControllerReference(owner, pod, w.Scheme()))
	w.must(w.Create(w.t.Context(), pod))
	return pod
}

// fakeServer is a server pod with an admin port on loopback.
type fakeServer struct {
	pod *corev1.Pod
	// says is what it answers on /statusz.
	says atomic.Pointer[telemetry.Statusz]
}

// runs makes it report a configuration.
func (s *fakeServer) runs(configHash string) {
	said := *s.says.Load()
	said.ConfigHash = configHash
	s.says.Store(&said)
}

func (w *world) runServer(set *appsv1.ReplicaSet, i int, configHash string) *fakeServer {
	w.t.Helper()
	s := &fakeServer{pod: w.pod(set, set.Name+"-"+string(rune('a'+i)), set.Spec.Template)}
	s.says.Store(&telemetry.Statusz{
		PodUID: string(s.pod.UID), Ready: true, ConfigHash: configHash, WindowSeconds: 300,
		OpenSearch: telemetry.DependencyUp, RedisCache: telemetry.DependencyUp, RedisState: telemetry.DependencyUp,
		LLM:   telemetry.DependencyUnused,
		Cache: []telemetry.CacheCount{{Kind: "search", Hits: 7, Misses: 3}},
	})
	admin := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(out).Encode(s.says.Load())
	}))
	w.t.Cleanup(admin.Close)
	address := netip.AddrFrom4([4]byte{10, 1, 0, byte(i + 1)})
	w.mu.Lock()
	w.addresses[address] = admin.Listener.Addr().String()
	w.mu.Unlock()
	w.setStatus(s.pod, func() { s.pod.Status = readyStatus(address) })
	return s
}

// address is where the server of a pod listens; nowhere for one that the test did not start.
func (w *world) address(pod netip.Addr) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if listener, known := w.addresses[pod]; known {
		return listener
	}
	return "127.0.0.1:1"
}

func readyStatus(address netip.Addr) corev1.PodStatus {
	return corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: address.String(), PodIPs: []corev1.PodIP{{IP: address.String()}}, HostIP: "192.0.2.1",
		HostIPs:    []corev1.HostIP{{IP: "192.0.2.1"}},
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: desired.ServerContainer, Ready: true, Image: "i", ImageID: "i",
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		}},
	}
}

// ready brings rag to Ready.
func (w *world) ready(rag *v1alpha1.RAGService) []*fakeServer {
	w.t.Helper()
	return w.readyBut(rag, map[string]string{"Ready": "True/Ready", "ConfigApplied": "True/Applied", "Reconciling": ""})
}

// readyBut lets all parts of rag run, and waits for the conditions in want.
func (w *world) readyBut(rag *v1alpha1.RAGService, want map[string]string) []*fakeServer {
	w.t.Helper()
	w.must(w.Create(w.t.Context(), rag))
	w.eventually(func() string {
		w.must(w.Get(w.t.Context(), client.ObjectKeyFromObject(rag), rag))
		if rag.Status.ConfigHash == "" {
			return "no configuration"
		}
		return ""
	})
	w.runStores(rag)
	servers := w.runServers(rag, 2)
	w.eventuallyShows(rag, want)
	return servers
}
