package opensearch_test

import (
	"context"
	"fmt"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// eventually waits for an event.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// current is the token under which a replica serves what it has cached; empty when it serves nothing.
func current(s *opensearch.Store) rag.Token {
	state := s.Current(context.Background(), "t")
	if !state.Confirmed {
		return ""
	}
	return state.Token
}

// publish makes a change of nothing.
func publish(t *testing.T, s *opensearch.Store) {
	t.Helper()
	change, err := s.Begin(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	if err := change.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// After Settle no replica serves under an older token: it knows the new one or none.
func TestReplicasAgreeOnTheToken(t *testing.T) {
	t.Parallel()
	index := newIndex()
	one, other := open(t, index, opensearch.Options{}), open(t, index, opensearch.Options{})
	run(t, one)
	run(t, other)
	for range 5 {
		eventually(t, "the other replica confirms a token", func() bool { return current(other) != "" })
		before := current(other)
		publish(t, one)
		raised := one.Current(t.Context(), "t").Token
		if raised == before {
			t.Fatal("the change kept the token")
		}
		if err := one.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := current(other); got != raised && got != "" {
			t.Errorf("after Settle the other replica serves under %q, want %q or none", got, raised)
		}
		eventually(t, "the other replica learns the token", func() bool { return current(other) == raised })
	}
}

// A replica that is cut off serves nothing from its cache after half a second, and says that OpenSearch is down after
// five.
func TestCutOffReplicaConfirmsNothing(t *testing.T) {
	t.Parallel()
	target, err := url.Parse(backends.OpenSearch(t))
	if err != nil {
		t.Fatal(err)
	}
	index := newIndex()
	way := newWay(t, httputil.NewSingleHostReverseProxy(target))
	health := make(chan string, 3)
	store := newStore(t, opensearch.Options{
		Config: config.OpenSearch{URLs: []string{way.URL}, Index: index}, Timeout: time.Minute,
		OnHealth: func(up bool, err error) { health <- fmt.Sprintf("up %t, fault %t", up, err != nil) },
	})
	wantHealth := func(want string) {
		t.Helper()
		eventually(t, "the health changes", func() bool { return len(health) > 0 })
		if got := <-health; got != want {
			t.Errorf("the health became %q, want %q", got, want)
		}
	}
	if got := store.State(); got != resilience.HealthUnknown {
		t.Errorf("before the first poll OpenSearch is %s, want unknown", got)
	}
	run(t, store)
	eventually(t, "a token is confirmed", func() bool { return current(store) != "" })
	if got := store.State(); got != resilience.HealthUp {
		t.Errorf("OpenSearch is %s, want up", got)
	}
	wantHealth("up true, fault false")
	way.cut.Store(true)
	eventually(t, "nothing is confirmed", func() bool { return current(store) == "" })
	if store.Current(t.Context(), "t").Confirmed {
		t.Error("a token was confirmed through a cut")
	}
	eventually(t, "OpenSearch is down", func() bool { return store.State() == resilience.HealthDown })
	wantHealth("up false, fault true")
	way.cut.Store(false)
	eventually(t, "a token is confirmed again", func() bool { return current(store) != "" && store.State() == resilience.HealthUp })
	wantHealth("up true, fault false")
}

func TestSettleEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	store := open(t, newIndex(), opensearch.Options{})
	run(t, store)
	publish(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.Settle(ctx); err == nil {
		t.Error("Settle returned in time although its caller had left")
	}
}
