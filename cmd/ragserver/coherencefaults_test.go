package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// TestCoherenceUnderFaults records what three replicas answer over HTTP, with a Redis that they share, while documents are uploaded and
// deleted, that Redis is killed, paused and brought back, and one replica loses its way to OpenSearch: no request that started
// after a 204 shows the document, none that started after an upload's answer misses it. What is STALE is counted apart.
func TestCoherenceUnderFaults(t *testing.T) {
	t.Parallel()
	w := newWitness(t)
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for i := range w.replicas {
		for range 2 {
			readers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						w.ask(t.Context(), i)
					}
				}
			})
		}
	}
	readers.Go(func() { w.harm(stop) })
	const changes = 40
	for range changes {
		w.change(t)
	}
	await(t, "a replica without OpenSearch serves what it has", func() bool { return w.stale.Load() > 0 })
	close(stop)
	readers.Wait()
	t.Logf("%d changes; %d answers judged, %d of them hits; %d stale, %d of them out of date; %d refused; Redis harmed %d times, OpenSearch cut off %d times",
		changes, w.judged.Load(), w.hits.Load(), w.stale.Load(), w.outdated.Load(), w.refused.Load(), w.harmed.Load(), w.cuts.Load())
	for _, fault := range w.faults {
		t.Error(fault)
	}
	if w.judged.Load() < 500 || w.hits.Load() == 0 || w.harmed.Load() == 0 {
		t.Error("too little was put to the test")
	}
}

// witness knows what every replica must show.
type witness struct {
	replicas  []httpReplica
	redis     *backends.RedisServer
	cut       atomic.Bool // the last replica's way to OpenSearch
	documents []*witnessed

	judged, hits, stale, outdated, refused, harmed, cuts atomic.Int64

	mu     sync.Mutex
	faults []string
}

// witnessed is a document, found by its name alone.
type witnessed struct {
	name string

	mu sync.Mutex
	// title is what is shown of it, empty for none; changes is odd while it is being changed.
	title   string
	changes int
	version int
}

func (d *witnessed) now() (title string, changes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.title, d.changes
}

func newWitness(t *testing.T) *witness {
	t.Helper()
	w := &witness{redis: backends.Redis(t)}
	for _, name := range []string{"anchor", "bridge", "candle", "desert"} {
		w.documents = append(w.documents, &witnessed{name: name})
	}
	index := "faults-" + strings.ToLower(rand.Text())
	for i := range 3 {
		way := backends.OpenSearch(t)
		if i == 2 {
			way = w.gate(t, way)
		}
		r := resilience.NewRedis(resilience.RedisOptions{Address: w.redis.Addr()})
		t.Cleanup(func() { _ = r.Close() })
		w.replicas = append(w.replicas, serveReplica(t, replicaOf(t, opensearch.Options{
			Config: config.OpenSearch{URLs: []string{way}, Index: index}, Timeout: 30 * time.Second,
		}, r)))
	}
	return w
}

// gate leads to OpenSearch while it is open.
func (w *witness) gate(t *testing.T, to string) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	way := httputil.NewSingleHostReverseProxy(target)
	way.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // who asked has left
	gate := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.cut.Load() {
			panic(http.ErrAbortHandler)
		}
		way.ServeHTTP(rw, r)
	}))
	t.Cleanup(gate.Close)
	return gate.URL
}

// harm breaks Redis, and the last replica's way to OpenSearch, again and again.
func (w *witness) harm(stop <-chan struct{}) {
	pause := func(d time.Duration) bool {
		select {
		case <-stop:
			return false
		case <-time.After(d):
			return true
		}
	}
	for n := 0; pause(time.Second); n++ {
		switch n % 3 {
		case 0:
			w.redis.Kill()
			pause(500 * time.Millisecond)
			w.redis.Restart()
			w.harmed.Add(1)
		case 1:
			w.redis.Pause()
			pause(300 * time.Millisecond)
			w.redis.Resume()
			w.harmed.Add(1)
		case 2:
			w.cut.Store(true)
			pause(3 * time.Second)
			w.cut.Store(false)
			w.cuts.Add(1)
		}
	}
}

// change uploads or deletes a document through one of the first two replicas.
func (w *witness) change(t *testing.T) {
	t.Helper()
	d := w.documents[mathrand.IntN(len(w.documents))]
	d.mu.Lock()
	d.changes++
	before := d.title
	d.version++
	version := d.version
	d.mu.Unlock()
	after := ""
	replica := w.replicas[mathrand.IntN(2)]
	if before != "" && mathrand.IntN(3) == 0 {
		replica.remove(t, d.name)
	} else {
		after = fmt.Sprintf("%s %d", d.name, version)
		var outcome struct{ Created, Updated, Failed int }
		replica.post(t, "/api/v1/documents", fmt.Sprintf(`{"id":%q,"title":%q,"text":%q}`, d.name, after, "The "+d.name+" is old."), &outcome)
		if outcome.Created+outcome.Updated != 1 {
			t.Fatalf("an upload of %s: %+v", after, outcome)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.title = after
	d.changes++
}

// ask searches or asks once, and judges the answer when the document was not changed meanwhile.
func (w *witness) ask(ctx context.Context, i int) {
	d := w.documents[mathrand.IntN(len(w.documents))]
	title, before := d.now()
	path := []string{"/api/v1/search", "/api/v1/ask"}[mathrand.IntN(2)]
	xCache, shown, err := w.replicas[i].shown(ctx, path, d.name)
	time.Sleep(time.Millisecond) // leaves the machine to others
	switch {
	case err != nil:
		w.refused.Add(1) // while its backend is gone
		return
	case xCache == "STALE":
		w.stale.Add(1)
		if now, after := d.now(); after == before && before%2 == 0 && shown != now {
			w.outdated.Add(1)
		}
		return
	}
	if _, after := d.now(); after != before || before%2 == 1 {
		return
	}
	w.judged.Add(1)
	if xCache == "HIT" {
		w.hits.Add(1)
	}
	if shown != title {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.faults = append(w.faults, fmt.Sprintf("replica %d, %s: shows %q (%s), want %q", i, path, shown, xCache, title))
	}
}

// shown is the title of the document that an answer shows; empty for none.
func (r httpReplica) shown(ctx context.Context, path, query string) (xCache, title string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+path, strings.NewReader(fmt.Sprintf(`{"query":%q}`, query)))
	if err != nil {
		return "", "", err
	}
	request.Header.Set("X-API-Key", replicaKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	if err != nil {
		return "", "", err
	}
	var answer struct {
		Hits, Citations []struct{ Title string }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", "", err
	}
	for _, found := range append(answer.Hits, answer.Citations...) {
		title = found.Title
	}
	return response.Header.Get("X-Cache"), title, nil
}

// remove deletes a document.
func (r httpReplica) remove(t *testing.T, id string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, r.url+"/api/v1/documents/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-API-Key", replicaKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		t.Fatalf("the deletion of %s: %s", id, response.Status)
	}
}
