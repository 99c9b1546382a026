package observe

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

var service1 = types.NamespacedName{Namespace: "library", Name: "papers"}

// rounds is a poller whose clock and answers a test sets.
type polling struct {
	*Poller
	clock time.Time
}

func newPolling(t *testing.T) *polling {
	t.Helper()
	p := &polling{clock: now}
	p.Poller = NewPoller(nil)
	p.now = func() time.Time { return p.clock }
	p.Follow(service1, Followed{UID: "s"})
	return p
}

// round records what servers a, b, ... said; nil for one that did not answer.
func (p *polling) round(said ...*telemetry.Statusz) bool {
	servers := make([]target, len(said))
	answers := make([]*answer, len(said))
	for i, s := range said {
		servers[i].uid, servers[i].ready = types.UID(rune('a'+i)), true
		if s != nil {
			s.PodUID = string(servers[i].uid)
			answers[i] = &answer{*s, p.clock}
		}
	}
	return p.record(service1, "s", servers, answers)
}

func (p *polling) answering() []string {
	var pods []string
	for _, r := range p.Latest(service1, "s").Reports {
		pods = append(pods, r.PodUID)
	}
	return pods
}

func runs(hash string) *telemetry.Statusz { return &telemetry.Statusz{ConfigHash: hash} }

// shows is a RAGService whose status has figures.
func shows(cache *v1alpha1.CacheStatus) *v1alpha1.RAGService {
	return &v1alpha1.RAGService{Status: v1alpha1.RAGServiceStatus{Cache: cache}}
}

func serves(hits, misses int64) *telemetry.Statusz {
	return &telemetry.Statusz{Cache: []telemetry.CacheCount{{Kind: "search", Hits: hits, Misses: misses}}}
}

func TestRoundsTellWhatAStatusWouldShow(t *testing.T) {
	t.Parallel()
	p := newPolling(t)
	for i, step := range []struct {
		said []*telemetry.Statusz
		want bool
	}{
		{[]*telemetry.Statusz{runs("aa")}, true},              // the first answer
		{[]*telemetry.Statusz{runs("aa")}, false},             // the same
		{[]*telemetry.Statusz{runs("bb")}, true},              // another configuration
		{[]*telemetry.Statusz{runs("bb"), runs("bb")}, true},  // another server
		{[]*telemetry.Statusz{runs("bb"), nil}, false},        // it misses one round
		{[]*telemetry.Statusz{runs("bb"), runs("bb")}, false}, // and is back
		{[]*telemetry.Statusz{runs("bb")}, true},              // it is gone
	} {
		if i == 0 {
			p.Follow(service1, Followed{UID: "s", Service: shows(status.Figures(nil, []telemetry.Statusz{{}}))})
		}
		if got := p.round(step.said...); got != step.want {
			t.Errorf("round %d told %t, want %t", i, got, step.want)
		}
	}
}

func TestRoundsTellFiguresOnce(t *testing.T) {
	t.Parallel()
	p := newPolling(t)
	p.round(serves(50, 50))
	shown := status.Figures(nil, p.Latest(service1, "s").Reports)
	p.Follow(service1, Followed{UID: "s", Service: shows(shown)})
	for i, step := range []struct {
		hits, misses int64
		want         bool
	}{{50, 50, false}, {54, 46, false}, {56, 44, true}, {57, 43, false}, {50, 50, false}, {61, 39, true}, {54, 46, false}} {
		if got := p.round(serves(step.hits, step.misses)); got != step.want {
			t.Errorf("round %d (%d %%) told %t, want %t", i, step.hits, got, step.want)
		}
	}
}

// The twentieth request lets the cache be judged, whatever it does to the rate.
func TestRoundsTellOfEnoughRequests(t *testing.T) {
	t.Parallel()
	p := newPolling(t)
	p.round(serves(10, 0))
	p.Follow(service1, Followed{UID: "s", Service: shows(status.Figures(nil, p.Latest(service1, "s").Reports))})
	for _, step := range []struct {
		hits int64
		want bool
	}{{19, false}, {20, true}, {30, false}} {
		if got := p.round(serves(step.hits, 0)); got != step.want {
			t.Errorf("%d requests told %t, want %t", step.hits, got, step.want)
		}
	}
}

func TestAnswersLiveHalfAMinute(t *testing.T) {
	t.Parallel()
	p := newPolling(t)
	p.round(runs("aa"), runs("aa"))
	p.clock = p.clock.Add(answerLife - time.Second)
	p.round(runs("aa"), nil)
	if diff := cmp.Diff([]string{"a", "b"}, p.answering()); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	p.clock = p.clock.Add(time.Second)
	if told := p.round(runs("aa"), nil); !told {
		t.Error("the loss of a server was not told")
	}
	if diff := cmp.Diff([]string{"a"}, p.answering()); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
}

func TestAnotherServiceOfTheSameNameStartsAnew(t *testing.T) {
	t.Parallel()
	p := newPolling(t)
	p.round(runs("aa"))
	p.Follow(service1, Followed{UID: "another"})
	if got := p.Latest(service1, "another"); !got.At.IsZero() {
		t.Errorf("it has answers of the one before: %+v", got)
	}
	if p.record(service1, "s", nil, nil) {
		t.Error("a late round of the one before was told")
	}
	p.Forget(service1)
	if got := p.Latest(service1, "another"); !got.At.IsZero() {
		t.Errorf("it was not forgotten: %+v", got)
	}
}

// TestUnreadyServersAreHeardApart has a server that waits for OpenSearch: what it says is a status's business, and it is no
// server that shall run a configuration.
func TestUnreadyServersAreHeardApart(t *testing.T) {
	t.Parallel()
	p := newPolling(t)
	says := func(ready bool, why telemetry.DependencyFault) bool {
		return p.record(service1, "s", []target{{uid: "a", ready: ready}},
			[]*answer{{telemetry.Statusz{PodUID: "a", OpenSearchFault: why}, p.clock}})
	}
	says(false, telemetry.FaultDNS)
	if got := p.Latest(service1, "s"); got.Asked != 0 || len(got.Reports) != 0 || len(got.Unready) != 1 {
		t.Errorf("an unready server makes the round %+v", got)
	}
	for i, step := range []struct {
		ready bool
		why   telemetry.DependencyFault
		want  bool
	}{{false, telemetry.FaultDNS, false}, {false, telemetry.FaultRefused, true}, {true, "", true}} {
		if got := says(step.ready, step.why); got != step.want {
			t.Errorf("round %d told %t, want %t", i, got, step.want)
		}
	}
}

func TestRoundsWithoutAnAnswerBecomeRare(t *testing.T) {
	t.Parallel()
	p := newPolling(t)
	for i, step := range []struct {
		said *telemetry.Statusz
		want time.Duration
	}{
		{runs("aa"), 10 * time.Second}, {nil, 10 * time.Second}, // the answer of before still stands
		{nil, 20 * time.Second}, {nil, 40 * time.Second}, {nil, time.Minute}, {nil, time.Minute},
		{runs("aa"), 10 * time.Second},
	} {
		p.round(step.said)
		p.clock = p.clock.Add(steadyInterval)
		if got := p.backoff(service1); got != step.want {
			t.Errorf("round %d: the next is in %s, want %s", i, got, step.want)
		}
	}
	p.clock = p.clock.Add(answerLife)
	if p.round(nil); p.backoff(service1) <= steadyInterval {
		t.Fatal("a service that nobody answers for is asked as often as another")
	}
	p.Follow(service1, Followed{UID: "s", Hurry: true}) // a new configuration is asked about at once
	if got := p.backoff(service1); got != hurriedInterval {
		t.Errorf("in a hurry the next round is in %s", got)
	}
}

func TestAnUnreadyServerAloneIsAskedAsOftenAsAnother(t *testing.T) {
	t.Parallel()
	p := newPolling(t)
	p.record(service1, "s", []target{{uid: "a"}}, []*answer{nil})
	if got := p.backoff(service1); got != steadyInterval {
		t.Errorf("the next round is in %s, want %s: it is starting", got, steadyInterval)
	}
}

func TestAnOldRoundTellsNothing(t *testing.T) {
	t.Parallel()
	p := newPolling(t)
	p.round(runs("aa"))
	p.clock = p.clock.Add(roundLife + time.Second)
	if got := p.Latest(service1, "s"); !got.At.IsZero() {
		t.Errorf("a round of %s ago is told as that of now", roundLife)
	}
}
