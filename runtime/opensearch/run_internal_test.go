package opensearch

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// TestATrialEnds: what is lost of an index may stay so.
func TestATrialEnds(t *testing.T) {
	t.Parallel()
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	store, err := New(Options{Config: config.OpenSearch{URLs: []string{nobody.URL}, Index: "documents"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	var first trial
	if err := first.search(t.Context(), store); err == nil || first.began.IsZero() {
		t.Errorf("a first trial: %v", err)
	}
	later := trial{began: time.Now().Add(-trialPatience - time.Second)}
	if err := later.search(t.Context(), store); err != nil || !later.began.IsZero() {
		t.Errorf("after %s: %v", trialPatience, err)
	}
}
