package observe

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/searchnodes"
)

// searchWorld is an OpenSearch of three nodes on an API server that runs no pods. What they would answer comes from the
// test.
type searchWorld struct {
	*cluster
	set    *appsv1.StatefulSet
	poller *Poller
	clock  time.Time
	says   atomic.Value
	// state, excluded and shards are what else is asked for.
	name, state, excluded, shards atomic.Value
	// written are the requests that change something.
	written []string
}

func newSearchWorld(t *testing.T) *searchWorld {
	t.Helper()
	w := &searchWorld{cluster: newCluster(t), clock: time.Now()}
	w.says.Store(`{"status":"green","number_of_nodes":3}`)
	w.state.Store(voters("0123456789012345678901", "0 1 2", "0 1 2", ""))
	w.name.Store(desired.ClusterName(client.ObjectKeyFromObject(w.rag)))
	w.excluded.Store("")
	w.shards.Store("[]")
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "GET /_cluster/state/metadata,nodes,routing_table":
			_, _ = fmt.Fprintf(out, `{"cluster_name":%q,%s,"routing_table":{"indices":{"documents":{"shards":{"0":%s}}}}}`,
				w.name.Load(), w.state.Load(), w.shards.Load())
		case "GET /_cluster/settings":
			_, _ = fmt.Fprintf(out, `{"persistent":{"cluster.routing.allocation.exclude._name":%q}}`, w.excluded.Load())
		case "GET /_cluster/health":
			_, _ = fmt.Fprint(out, w.says.Load())
		default:
			w.written = append(w.written, r.Method+" "+r.URL.Path)
		}
	}))
	t.Cleanup(server.Close)
	w.poller = NewPoller(w, WithSearchNodes(searchnodes.New(newClient(), func(netip.Addr) string { return server.Listener.Addr().String() })))
	w.poller.now = func() time.Time { return w.clock }
	w.set = w.storeOf(desired.ComponentOpenSearch, w.rag.UID, nil)
	w.set.Annotations = map[string]string{desired.AnnotationSeveralNodes: "true"}
	w.poller.Follow(client.ObjectKeyFromObject(w.rag), Followed{UID: w.rag.UID})
	return w
}

// voters is the state of a cluster of three nodes, whose ids are their numbers: those of committed and accepted vote, and those of leaving are
// to vote no more.
func voters(uuid, committed, accepted, leaving string) string {
	exclusions := []string{}
	for i := range strings.FieldsSeq(leaving) {
		exclusions = append(exclusions, fmt.Sprintf(`{"node_id":%q,"node_name":"papers-opensearch-%.1s"}`, i, i))
	}
	ids := func(of string) string { return `["` + strings.Join(strings.Fields(of), `","`) + `"]` }
	return fmt.Sprintf(`"cluster_uuid":%q,"nodes":{"0":{"name":"papers-opensearch-0"},"1":{"name":"papers-opensearch-1"},`+
		`"2":{"name":"papers-opensearch-2"}},"metadata":{"cluster_coordination":{"last_committed_config":%s,`+
		`"last_accepted_config":%s,"voting_config_exclusions":[%s]}}`, uuid, ids(committed), ids(accepted), strings.Join(exclusions, ","))
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
	w.name.Store("another.papers") // an address that has passed to another's pod
	if w.round(); w.nodes().Green || w.nodes().ClusterUUID != "" {
		t.Errorf("a node of another's cluster: %+v", w.nodes())
	}
	w.name.Store(desired.ClusterName(client.ObjectKeyFromObject(w.rag)))
	w.state.Store(voters("_na_", "", "", ""))
	if w.round(); w.nodes().Green || w.nodes().ClusterUUID != "" || w.nodes().Joined != nil {
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

// TestNodesThatLeaveAreEmpty when they hold no shard and have no vote, while all shards have their copies elsewhere.
func TestNodesThatLeaveAreEmpty(t *testing.T) {
	t.Parallel()
	const uuid, one, two = "0123456789012345678901", "papers-opensearch-1", "papers-opensearch-2"
	for name, test := range map[string]struct {
		state, excluded, shards, health string
		want                            []string
	}{
		"both are":               {voters(uuid, "0", "0", "1 2"), one + "," + two, `[{"node":"0"},{}]`, "green", []string{one, two}},
		"one has a vote":         {voters(uuid, "0 1", "0", "1 2"), one + "," + two, `[]`, "green", []string{two}},
		"one is to have a vote":  {voters(uuid, "0", "0 1", "1 2"), one + "," + two, `[]`, "green", []string{two}},
		"one holds a shard":      {voters(uuid, "0", "0", "1 2"), one + "," + two, `[{"node":"2"}]`, "green", []string{one}},
		"a shard goes away":      {voters(uuid, "0", "0", "1 2"), one + "," + two, `[{"node":"2","relocating_node":"0"}]`, "green", []string{one}},
		"a shard comes":          {voters(uuid, "0", "0", "1 2"), one + "," + two, `[{"node":"0","relocating_node":"2"}]`, "green", []string{one}},
		"shards may come":        {voters(uuid, "0", "0", "1 2"), two, `[]`, "green", []string{two}},
		"a copy is nowhere":      {voters(uuid, "0", "0", "1 2"), one + "," + two, `[{},{"node":"0"}]`, "yellow", nil},
		"one that is away votes": {voters(uuid, "0 7", "0", "1 2"), one + "," + two, `[]`, "green", nil},
		"another was excluded":   {voters(uuid, "0", "0", "1 2-before"), one + "," + two, `[]`, "green", []string{one}},
		"a person empties one":   {voters(uuid, "0 1 2", "0 1 2", ""), one, `[]`, "green", nil},
	} {
		w := newSearchWorld(t)
		w.wants(3)
		w.state.Store(test.state)
		w.excluded.Store(test.excluded)
		w.shards.Store(test.shards)
		w.says.Store(fmt.Sprintf(`{"status":%q,"number_of_nodes":3}`, test.health))
		w.round()
		if diff := cmp.Diff(test.want, w.nodes().Empty, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: empty (-want +got):\n%s", name, diff)
		}
	}
}

// TestWhatWasHeardBeforeNodesWereToldSaysNothing, and neither does an answer to a question from before.
func TestWhatWasHeardBeforeNodesWereToldSaysNothing(t *testing.T) {
	t.Parallel()
	w := newSearchWorld(t)
	w.wants(3)
	w.round()
	key := client.ObjectKeyFromObject(w.rag)
	if w.poller.search(key, w.rag.UID).at.IsZero() {
		t.Fatal("nothing was heard")
	}
	told := desired.SetLeaving{ClusterUUID: "0123456789012345678901", Nodes: []string{"papers-opensearch-2"}, Address: netip.MustParseAddr("10.0.0.1")}
	w.clock = w.clock.Add(time.Second)
	if err := w.poller.SetLeaving(t.Context(), key, told); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"POST /_cluster/voting_config_exclusions", "PUT /_cluster/settings"}, w.written); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	if !w.poller.search(key, w.rag.UID).at.IsZero() {
		t.Error("what was heard before stands")
	}
	w.clock = w.clock.Add(-time.Millisecond)
	if w.round(); !w.poller.search(key, w.rag.UID).at.IsZero() {
		t.Error("the answer to a question from before stands")
	}
	w.clock = w.clock.Add(time.Second)
	if w.round(); w.poller.search(key, w.rag.UID).at.IsZero() {
		t.Error("nothing is heard any more")
	}
}

// TestOneNodeIsNotAsked that was never one of several, nor those of a StatefulSet of somebody else.
func TestOneNodeIsNotAsked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*appsv1.StatefulSet){
		"never one of several": func(set *appsv1.StatefulSet) { set.Annotations = nil },
		"of somebody else":     func(set *appsv1.StatefulSet) { set.OwnerReferences[0].UID = "another" },
	} {
		w := newSearchWorld(t)
		change(w.set)
		w.wants(1)
		if w.round() || !w.poller.search(client.ObjectKeyFromObject(w.rag), w.rag.UID).at.IsZero() {
			t.Errorf("%s: it is asked", name)
		}
	}
	w := newSearchWorld(t)
	w.wants(1)
	w.says.Store(`{"status":"green","number_of_nodes":1}`)
	if !w.round() || w.nodes().ClusterUUID == "" {
		t.Error("one that is left of several is not asked")
	}
}
