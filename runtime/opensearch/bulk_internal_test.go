package opensearch

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// The way to OpenSearch holds a bulk and a refresh until a call that was made after them has run into the Store's timeout.
func TestWritesMayTakeLongerThanOtherCalls(t *testing.T) {
	t.Parallel()
	address, err := url.Parse(backends.OpenSearch(t))
	if err != nil {
		t.Fatal(err)
	}
	through := httputil.NewSingleHostReverseProxy(address)
	held, release := make(chan struct{}, 2), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/_bulk"), strings.HasSuffix(r.URL.Path, "/_refresh"):
			held <- struct{}{}
			<-release
		case strings.HasSuffix(r.URL.Path, "/_count"):
			<-release
		}
		through.ServeHTTP(w, r)
	}))
	t.Cleanup(slow.Close)

	index := "test-bulk-" + strings.ToLower(rand.Text())
	open := func(url string, timeout time.Duration) *Store {
		s, err := New(Options{Config: config.OpenSearch{URLs: []string{url}, Index: index}, Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	if err := open(address.String(), time.Minute).Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := open(slow.URL, 100*time.Millisecond)
	done, refreshed := make(chan ended, 1), make(chan error, 1)
	go func() { refreshed <- s.Refresh(t.Context()) }()
	go func() {
		op := operation{action: "index", target: target{ID: "a"}, source: record{Kind: rag.RecordDraft, ID: "a"}}
		done <- s.bulk(t.Context(), one(op))[0]
	}()
	for range 2 {
		select {
		case <-held:
		case end := <-done:
			t.Fatalf("the bulk did not arrive: %v", end.err)
		case err := <-refreshed:
			t.Fatalf("the refresh did not arrive: %v", err)
		}
	}
	_, err = s.countRecords(t.Context())
	close(release)
	if rag.KindOf(err) != rag.ErrSearchTimeout {
		t.Errorf("a call that is held: %v, want search_timeout", err)
	}
	if end := <-done; end.err != nil {
		t.Errorf("a bulk that takes longer than the timeout: %v", end.err)
	}
	if err := <-refreshed; err != nil {
		t.Errorf("a refresh that takes longer than the timeout: %v", err)
	}
}
