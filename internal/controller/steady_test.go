package controller_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// watchingPeriod is how long a Ready service is looked at: long enough for a round of polling, which is what happens to
// it most often.
const watchingPeriod = 12 * time.Second

func TestASecondPassChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	rag := w.service()
	w.ready(rag)
	// What made it Ready may still be followed by a write, of the servers' first figures: then comes silence.
	w.eventually(func() string {
		before := o.requests.count()
		o.pass(t, rag)
		if made := o.requests.since(before); len(made) > 0 {
			return fmt.Sprintf("a pass over a Ready service asks the API server for %v", made)
		}
		return ""
	})
	for range 3 { // not only every other pass
		before := o.requests.count()
		o.pass(t, rag)
		if made := o.requests.since(before); len(made) > 0 {
			t.Errorf("a later pass asks the API server for %v", made)
		}
	}
}

func TestAReadyServiceIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	rag := w.service()
	servers := w.ready(rag)
	requests, passes := o.requests.count(), o.passes.n.Load()
	// Traffic that moves no figure by 5 is there all the time.
	said := *servers[0].says.Load()
	said.Cache = []telemetry.CacheCount{{Kind: "search", Hits: 72, Misses: 28}}
	servers[0].says.Store(&said)

	time.Sleep(watchingPeriod) // that nothing happens can only be seen by watching
	if writes := o.requests.writesSince(requests); len(writes) > 0 {
		t.Errorf("in %s a Ready service costs the writes %v", watchingPeriod, writes)
	}
	if n := o.passes.n.Load() - passes; n > 2 {
		t.Errorf("in %s a Ready service is reconciled %d times, want at most 2", watchingPeriod, n)
	}
}

func TestARestartedOperatorWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.startOperator()
	rag := w.service()
	servers := w.ready(rag)
	w.eventually(func() string {
		before := first.requests.count()
		first.pass(t, rag)
		if writes := first.requests.writesSince(before); len(writes) > 0 {
			return "the first operator still writes"
		}
		return ""
	})
	first.stop()

	second := w.startOperator()
	w.eventually(func() string {
		if second.passes.n.Load() < 2 { // the first one, and that after the first answers of the servers
			return "the operator has not settled"
		}
		return ""
	})
	second.pass(t, rag)
	if writes := second.requests.writesSince(0); len(writes) > 0 {
		t.Errorf("a restarted operator makes the writes %v", writes)
	}

	// It is not asleep: another configuration is noticed.
	servers[0].runs("00000000000000ff")
	w.eventuallyShows(rag, map[string]string{"ConfigApplied": "False/Propagating", "Ready": "True/Ready"})
}
