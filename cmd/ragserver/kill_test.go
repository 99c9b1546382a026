package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// The document of before a change has more chunks than the one after it, so that an update deletes some.
var (
	oldText = strings.Repeat("The old plate is flat. ", 60)
	newText = strings.Repeat("The new plate is bent. ", 30)
)

// killableChange is a change of the document "a" over the API.
type killableChange struct {
	// existed says that the document is there before it.
	existed bool
	method  string
	path    string
	body    string
	// after is the text after the whole change; empty for none.
	after string
}

var killableChanges = map[string]killableChange{
	"upload":   {method: http.MethodPost, path: "/documents", body: newText, after: newText},
	"update":   {existed: true, method: http.MethodPost, path: "/documents", body: newText, after: newText},
	"deletion": {existed: true, method: http.MethodDelete, path: "/documents/a"},
}

// A server that is killed after any write of a change leaves nothing that one round of another server's sweeper does not
// mend: a search shows what GET shows, in one version, and no token stays open.
func TestKilledAfterEveryWrite(t *testing.T) {
	t.Parallel()
	for name, change := range killableChanges {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for write := 1; ; write++ {
				k := newKilling(t)
				if change.existed {
					k.writeBefore(t)
				}
				if !k.run(t, change, write) {
					if write < 6 {
						t.Errorf("the change has %d writes, want at least 5", write-1)
					}
					return
				}
				if t.Failed() {
					t.Fatalf("killed after write %d", write)
				}
			}
		})
	}
}

// killing is a server whose way to OpenSearch leads through this process, which kills it.
type killing struct {
	index    string
	observer *opensearch.Store
	proxy    *httptest.Server

	mu sync.Mutex
	// left counts the writes until the kill, once it is above 0.
	left   int
	server *exec.Cmd
	killed chan struct{}
}

func newKilling(t *testing.T) *killing {
	t.Helper()
	k := &killing{index: "kill-" + strings.ToLower(rand.Text()), killed: make(chan struct{})}
	target, err := url.Parse(backends.OpenSearch(t))
	if err != nil {
		t.Fatal(err)
	}
	k.observer, err = opensearch.New(opensearch.Options{
		Config:  config.OpenSearch{URLs: []string{target.String()}, Index: k.index},
		Timeout: time.Minute, AbandonedAfter: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.observer.Close() })
	if err := k.observer.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	way := httputil.NewSingleHostReverseProxy(target)
	k.proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		way.ServeHTTP(answer, r)
		if isWrite(r) && k.wrote() {
			panic(http.ErrAbortHandler) // nobody is there to read the answer
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}))
	t.Cleanup(k.proxy.Close)
	return k
}

// isWrite says whether a request changes what a reader sees; the lease of the sweeper does not.
func isWrite(r *http.Request) bool {
	switch {
	case strings.Contains(r.URL.Path, "lease"):
		return false
	case strings.HasSuffix(r.URL.Path, "/_bulk"), strings.HasSuffix(r.URL.Path, "/_refresh"):
		return true
	default:
		return r.Method == http.MethodPut
	}
}

// wrote counts a write, and kills the server after the last one.
func (k *killing) wrote() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left == 0 {
		return false
	}
	if k.left--; k.left > 0 {
		return false
	}
	close(k.killed) // first: the client may see the end of the server before this goes on
	_ = k.server.Process.Kill()
	return true
}

func (k *killing) killAfter(writes int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left = writes
}

// writeBefore writes the earlier version.
func (k *killing) writeBefore(t *testing.T) {
	t.Helper()
	d, err := rag.ChunkAndHash(rag.Document{ID: "a", Text: oldText}, rag.RetrievalSettings{ChunkWords: 50})
	if err != nil {
		t.Fatal(err)
	}
	results, err := k.observer.Write(t.Context(), rag.DefaultTenant, []rag.ChunkedDocument{d})
	if err != nil || results[0].Err != nil {
		t.Fatalf("Write: %v, %v", results, err)
	}
	if err := k.observer.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// run makes the change on a server that is killed after a write of it, and judges what a round of the sweeper leaves. It
// says whether the change had that many writes.
func (k *killing) run(t *testing.T, change killableChange, write int) (killed bool) {
	t.Helper()
	listen, key := k.start(t)
	k.killAfter(write)
	err := k.request(t, change, listen, key)
	select {
	case <-k.killed:
		killed = true
	default:
		if err != nil {
			t.Fatalf("%s that nobody killed: %v", change.method, err)
		}
		_ = k.server.Process.Kill()
	}
	_ = k.server.Wait()
	k.wantMended(t, change, killed)
	return killed
}

func (k *killing) start(t *testing.T) (listen, key string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	secrets, key := t.TempDir(), rand.Text()
	keys := filepath.Join(secrets, config.APIKeysSecretDir)
	if err := os.Mkdir(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(keys, "admin"), []byte(`{"key":"`+key+`","role":"admin"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := strings.Replace(withoutStores, "mode: Anonymous", "mode: APIKey", 1) +
		fmt.Sprintf("stores: {openSearch: {urls: [%q], index: %q}}\n", k.proxy.URL, k.index)
	k.server = exec.CommandContext(t.Context(), program, "--config", write(t, "config.yaml", settings), "--secrets-dir", secrets,
		"--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	k.server.Env = append(os.Environ(), asProgram+"=1")
	stdout, err := k.server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := k.server.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewScanner(stdout)
	started := awaitEvent(t, log, "server_started")
	go func() {
		for log.Scan() { // so that the server can write on
		}
	}()
	return started.Listen, key
}

// request makes the change, again while the server has not reached OpenSearch yet.
func (k *killing) request(t *testing.T, change killableChange, listen, key string) error {
	t.Helper()
	var body []byte
	if change.body != "" {
		var err error
		if body, err = json.Marshal(map[string]string{"id": "a", "text": change.body}); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, change.method, "http://"+listen+"/api/v1"+change.path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode >= http.StatusMultipleChoices {
		return errors.New(answer.Status)
	}
	return nil
}

// wantMended runs another server's part: its polls, its closing of abandoned changes, and one round of its sweeper.
func (k *killing) wantMended(t *testing.T, change killableChange, killed bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { k.observer.Run(ctx) })
	defer running.Wait()
	defer stop()
	k.sweep(t)
	d, err := k.observer.Document(ctx, rag.DefaultTenant, "a")
	if err != nil && rag.KindOf(err) != rag.ErrPaperNotFound {
		t.Fatal(err)
	}
	found, err := rag.NewRetriever(k.observer).Retrieve(ctx, rag.Query{Tenant: rag.DefaultTenant, Text: "plate", TopK: 50})
	if err != nil {
		t.Fatal(err)
	}
	if found.Total != len(d.Chunks) {
		t.Errorf("a search finds %d chunks, GET shows %d", found.Total, len(d.Chunks))
	}
	for _, hit := range found.Hits {
		if !strings.Contains(d.Text, hit.Text) {
			t.Errorf("chunk %s is not of the text that GET shows", hit.ID)
		}
	}
	before := ""
	if change.existed {
		before = oldText
	}
	if d.Text != change.after && (!killed || d.Text != before) {
		t.Errorf("the document is %.30q, of neither version", d.Text)
	}
	await(t, "the token is closed", func() bool {
		state := k.observer.Current(ctx, rag.DefaultTenant)
		return state.Confirmed && !state.Open
	})
}

func (k *killing) sweep(t *testing.T) {
	t.Helper()
	sweeper := &rag.Sweeper{
		Documents: k.observer,
		Control:   k.observer,
		Forgetter: noCache{},
		Feedback:  k.observer,
		Now:       func() time.Time { return time.Now().Add(time.Hour) },
	}
	await(t, "a round of the sweeper", func() bool { // the killed server may have held the lease
		swept, err := sweeper.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return swept
	})
}

// await waits for an event.
func await(t *testing.T, what string, happened func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within 2 minutes", what)
		}
	}
}

// noCache has nothing to forget.
type noCache struct{}

func (noCache) Forget(context.Context, rag.Invalidation) map[rag.CacheKind]int { return nil }
