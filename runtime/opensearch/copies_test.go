package opensearch_test

import (
	"sync/atomic"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
)

// settingsOf are the numbers of shards and of further copies of an index.
func settingsOf(t *testing.T, index string) (shards, replicas string) {
	t.Helper()
	var answer map[string]struct {
		Settings struct {
			Index struct {
				Shards   string `json:"number_of_shards"`
				Replicas string `json:"number_of_replicas"`
			} `json:"index"`
		} `json:"settings"`
	}
	askOpenSearch(t, "GET", "/"+index+"/_settings", nil, &answer)
	for _, only := range answer {
		return only.Settings.Index.Shards, only.Settings.Index.Replicas
	}
	return "", ""
}

// TestCopiesFollow: another number of copies reaches the indices of a running server, and those that an earlier server made.
func TestCopiesFollow(t *testing.T) {
	t.Parallel()
	index := newIndex()
	follows := func(replicas string) func() bool {
		return func() bool {
			_, documents := settingsOf(t, index)
			_, control := settingsOf(t, index+"-control")
			return documents == replicas && control == replicas
		}
	}
	var wanted atomic.Int64
	wanted.Store(1)
	store := open(t, index, opensearch.Options{Replicas: func() int { return int(wanted.Load()) }})
	run(t, store)
	if !follows("1")() {
		t.Error("the indices were made with another number of copies")
	}
	for _, next := range []int64{0, 2} {
		wanted.Store(next)
		if !await(t, follows(string(rune('0'+next)))) {
			t.Errorf("the indices do not have %d copies", next)
		}
	}
	run(t, open(t, index, opensearch.Options{Config: config.OpenSearch{Replicas: 3}}))
	if !await(t, follows("3")) {
		t.Error("a server that starts left the copies as they were")
	}
}
