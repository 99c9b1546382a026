package observe

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// searchWorld is an OpenSearch of three nodes on an API server that runs no pods. What they would answer comes from the
// test.
type searchWorld struct {
	*cluster
	set    *appsv1.StatefulSet
	poller *Poller
	clock  time.Time
	says   atomic.Value
	uuid   atomic.Value
}

func newSearchWorld(t *testing.T) *searchWorld {
	t.Helper()
	w := &searchWorld{cluster: newCluster(t), clock: time.Now()}
	w.says.Store(`{"status":"green","number_of_nodes":3}`)
	w.uuid.Store("0123456789012345678901")
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "GET /":
			_, _ = fmt.Fprintf(out, `{"cluster_uuid":%q}`, w.uuid.Load())
		case "GET /_cluster/health":
			_, _ = fmt.Fprint(out, w.says.Load())
		default:
			t.Errorf("asked %s %s", r.Method, r.URL.Path)
		}
	}))
	t.Cleanup(server.Close)
	w.poller = NewPoller(w, WithSearchAddress(func(netip.Addr) string { return server.Listener.Addr().String() }))
	w.poller.now = func() time.Time { return w.clock }
	w.set = w.storeOf(desired.ComponentOpenSearch, w.rag.UID, nil)
	w.poller.Follow(client.ObjectKeyFromObject(w.rag), Followed{UID: w.rag.UID})
	return w
}

// wants makes the StatefulSet one of n nodes, and its pods ready.
func (w *searchWorld) wants(n int32) {
	w.t.Helper()
	w.set.Spec.Replicas = &n
	if err := w.Update(w.t.Context(), w.set); err != nil {
		w.t.Fatal(err)
	}
	w.set.Status = appsv1.StatefulSetStatus{ObservedGeneration: w.set.Generation, Replicas: n, UpdatedReplicas: n, UpdateRevision: "new"}
	if err := w.Status().Update(w.t.Context(), w.set); err != nil {
		w.t.Fatal(err)
	}
	for i := range n {
		pod := w.node(fmt.Sprintf("papers-opensearch-%d", i), w.set.UID, "new", corev1.ConditionTrue)
		address := fmt.Sprintf("10.0.0.%d", i+1)
		pod.Status.Phase, pod.Status.PodIP, pod.Status.PodIPs = corev1.PodRunning, address, []corev1.PodIP{{IP: address}}
		pod.Status.Conditions[0].LastTransitionTime = metav1.NewTime(w.clock.Add(-time.Minute))
		if err := w.Status().Update(w.t.Context(), pod); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *searchWorld) round() (changed bool) {
	w.t.Helper()
	changed, err := w.poller.searchRound(w.t.Context(), client.ObjectKeyFromObject(w.rag), w.rag.UID)
	if err != nil {
		w.t.Fatal(err)
	}
	return changed
}

func (w *searchWorld) nodes() desired.Nodes {
	w.t.Helper()
	snapshot, err := (&Observer{Reader: w, Poller: w.poller}).Read(w.t.Context(), w.rag)
	if err != nil {
		w.t.Fatal(err)
	}
	return snapshot.Children().OpenSearch
}

func TestHealthOfSeveralNodes(t *testing.T) {
	t.Parallel()
	w := newSearchWorld(t)
	w.wants(3)
	if !w.round() || w.round() {
		t.Error("the first answer is no news, or the same again is")
	}
	if got := w.nodes(); !got.Green || got.ClusterUUID != "0123456789012345678901" {
		t.Errorf("all well: green %t, cluster %q", got.Green, got.ClusterUUID)
	}
	for name, says := range map[string]string{
		"yellow":          `{"status":"yellow","number_of_nodes":3}`,
		"a node is away":  `{"status":"green","number_of_nodes":2}`,
		"shards move":     `{"status":"green","number_of_nodes":3,"relocating_shards":1}`,
		"no JSON":         `green`,
		"an empty answer": `{}`,
	} {
		w.says.Store(says)
		if w.round(); w.nodes().Green {
			t.Errorf("%s: green", name)
		}
	}
	w.says.Store(`{"status":"green","number_of_nodes":3}`)
	w.uuid.Store("_na_")
	if w.round(); w.nodes().Green || w.nodes().ClusterUUID != "" {
		t.Errorf("a node that has joined no cluster: %+v", w.nodes())
	}
}

// TestHealthFromBeforeARestartSaysNothing of the nodes that are there now.
func TestHealthFromBeforeARestartSaysNothing(t *testing.T) {
	t.Parallel()
	w := newSearchWorld(t)
	w.clock = w.clock.Add(-2 * time.Minute)
	before := w.clock
	w.clock = w.clock.Add(2 * time.Minute)
	w.wants(3) // ready since a minute
	w.clock = before
	if w.round(); w.nodes().Green {
		t.Error("green by an answer from before the nodes were ready")
	}
	w.clock = before.Add(2 * time.Minute)
	if w.round(); !w.nodes().Green {
		t.Error("not green by an answer from after it")
	}
}

// TestPodsThatWaitForHealthAreLookedAfter: each round brings a pass while some are of an earlier revision.
func TestPodsThatWaitForHealthAreLookedAfter(t *testing.T) {
	t.Parallel()
	w := newSearchWorld(t)
	w.wants(3)
	w.round()
	w.set.Status.UpdatedReplicas = 1
	if err := w.Status().Update(t.Context(), w.set); err != nil {
		t.Fatal(err)
	}
	if !w.round() {
		t.Error("the same answer brings no pass")
	}
}

// TestOneNodeIsNotAsked, nor those of a StatefulSet of somebody else.
func TestOneNodeIsNotAsked(t *testing.T) {
	t.Parallel()
	w := newSearchWorld(t)
	w.wants(1)
	if w.round() || w.poller.search(client.ObjectKeyFromObject(w.rag), w.rag.UID) != (clusterHealth{}) {
		t.Error("a single node is asked")
	}
	others := newSearchWorld(t)
	others.wants(3)
	others.set.OwnerReferences[0].UID = "another"
	if err := others.Update(t.Context(), others.set); err != nil {
		t.Fatal(err)
	}
	if others.round() {
		t.Error("nodes of somebody else are asked")
	}
}
