package opensearch

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOutdated: a snapshot that failed after the newest complete one is what a person looks for; one that failed before is of no use.
func TestOutdated(t *testing.T) {
	t.Parallel()
	all := []Snapshot{
		{Name: "under way", State: SnapshotInProgress}, {Name: "failed", State: "FAILED"},
		{Name: "new", State: SnapshotSuccess}, {Name: "partial", State: "PARTIAL"}, {Name: "old", State: SnapshotSuccess}, {Name: "older", State: SnapshotSuccess},
	}
	for keep, want := range map[int][]string{1: {"partial", "old", "older"}, 2: {"partial", "older"}, 3: {"partial"}} {
		if diff := cmp.Diff(want, outdated(all, keep)); diff != "" {
			t.Errorf("of which %d are kept (-want +got):\n%s", keep, diff)
		}
	}
}
