package cache

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

func (l *local) keys() []string { return slices.Sorted(l.entries.Keys()) }

func TestLocalIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	l := newLocal(1 << 20)
	t.Cleanup(l.close)
	for i := range 10_000 {
		l.put(strconv.Itoa(i), localEntry{size: 10_000, ttl: time.Hour})
	}
	l.put("larger than all", localEntry{size: 2 << 20, ttl: time.Hour})
	l.entries.CleanUp()
	if got := l.entries.WeightedSize(); got > 1<<20 || got < 1<<19 {
		t.Errorf("%d bytes are localEntry, want up to 1 MiB", got)
	}
	if _, ok := l.get("larger than all"); ok {
		t.Error("an entry larger than the bound is held")
	}
	l.resize(100_000)
	l.entries.CleanUp()
	if got := l.entries.WeightedSize(); got > 100_000 {
		t.Errorf("%d bytes are held after the bound was lowered to 100,000", got)
	}
}

func TestLocalDropsWhatIsGone(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		drop func(*local)
		want []string
	}{
		"another token": {func(l *local) { l.purge("acme", "2") }, []string{"answer", "new search", "other tenant"}},
		"a document":    {func(l *local) { l.forget(rag.Invalidation{Tenant: "acme", DocumentID: "a"}) }, []string{"new search", "other tenant"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLocal(1 << 20)
			t.Cleanup(l.close)
			for key, h := range map[string]localEntry{
				"old search":   {tenant: "acme", documents: []string{"a", "b"}, token: "1"},
				"new search":   {tenant: "acme", documents: []string{"b"}, token: "2"},
				"answer":       {tenant: "acme", documents: []string{"a"}},
				"other tenant": {tenant: "umbrella", documents: []string{"a"}, token: "1"},
			} {
				h.ttl = time.Hour
				l.put(key, h)
			}
			test.drop(l)
			if diff := cmp.Diff(test.want, l.keys()); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
		})
	}
}

// A look-up into Redis that took long must not undo what was made meanwhile.
func TestWhatComesFromRedisReplacesNothingNewer(t *testing.T) {
	t.Parallel()
	l := newLocal(1 << 20)
	t.Cleanup(l.close)
	at := func(minute int) localEntry {
		return localEntry{entry: minute, storedAt: time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC), ttl: time.Hour}
	}
	for _, step := range []struct {
		put  func(string, localEntry)
		made int
		want int
	}{{l.putUnlessOlder, 2, 2}, {l.putUnlessOlder, 1, 2}, {l.putUnlessOlder, 3, 3}, {l.put, 1, 1}} {
		step.put("k", at(step.made))
		if got, _ := l.get("k"); got != step.want {
			t.Errorf("after one made at %d: that of %v, want %d", step.made, got, step.want)
		}
	}
}
