package main

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// wire stands before a real Redis and breaks what passes on command.
type wire struct {
	t        *testing.T
	to       string
	address  string
	mu       sync.Mutex
	mode     fault
	listener net.Listener
	open     map[net.Conn]bool
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	w := &wire{t: t, to: to, address: "127.0.0.1:0", mode: healthy, open: map[net.Conn]bool{}}
	w.listen()
	t.Cleanup(func() { w.set(down) })
	return w
}

func (w *wire) listen() {
	listener, err := (&net.ListenConfig{}).Listen(w.t.Context(), "tcp", w.address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.address, w.listener = listener.Addr().String(), listener
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go w.carry(c)
		}
	}()
}

func (w *wire) set(mode fault) {
	w.mu.Lock()
	was := w.mode
	w.mode = mode
	w.mu.Unlock()
	switch {
	case mode == down && was != down:
		_ = w.listener.Close()
		w.cut()
	case was == down && mode != down:
		w.listen()
	case mode == healthy: // what was swallowed or cut leaves its connection useless
		w.cut()
	}
}

// cut closes the connections that are open.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		_ = c.Close()
		delete(w.open, c) // its goroutines count until they end
	}
}

func (w *wire) connections() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.open)
}

// atRest counts goroutines without those of the wire, of which a connection has two: pools keep some.
func (w *wire) atRest() int {
	http.DefaultClient.CloseIdleConnections()
	return runtime.NumGoroutine() - 2*w.connections()
}

func (w *wire) now() fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mode
}

func (w *wire) carry(client net.Conn) {
	var dialer net.Dialer
	server, err := dialer.DialContext(w.t.Context(), "tcp", w.to)
	if err != nil {
		_ = client.Close()
		return
	}
	w.mu.Lock()
	w.open[client] = true
	w.mu.Unlock()
	go func() {
		_, _ = io.Copy(server, client)
		if w.now() == slowClose {
			time.Sleep(time.Second)
		}
		_ = server.Close()
	}()
	w.answer(client, server)
	w.mu.Lock()
	delete(w.open, client)
	w.mu.Unlock()
	_ = client.Close()
	_ = server.Close()
}

// answer carries what Redis says, and breaks it.
func (w *wire) answer(client, server net.Conn) {
	said := make([]byte, 64<<10)
	for {
		n, err := server.Read(said)
		if err != nil {
			return
		}
		reply := said[:n]
		switch w.now() { //nolint:exhaustive // the others harm nothing here
		case latency:
			time.Sleep(time.Second)
		case blackHole:
			continue
		case resets:
			if tcp, ok := client.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			return
		case truncated:
			_, _ = client.Write(reply[:n/2])
			return
		case hangsInBody:
			_, _ = client.Write(reply[:n/2])
			continue
		}
		if _, err := client.Write(reply); err != nil {
			return
		}
	}
}

// behind is the configuration of a server with an index of its own in OpenSearch, and both instances of Redis behind the wire.
func behind(t *testing.T, w *wire) string {
	t.Helper()
	return strings.NewReplacer(
		`"http://127.0.0.1:1"`, `"`+backends.OpenSearch(t)+`"`,
		"index: papers}}", "index: redis-"+strings.ToLower(rand.Text())+"}, redis: {cache: {address: '"+w.address+"'}, state: {address: '"+w.address+"'}}}",
	).Replace(elsewhere)
}

// TestFaultsOfRedis breaks the way to a real Redis, which costs no answer: searches go on, and both instances count as down until the way
// is whole again, but for a connection that only closes slowly. (429 and 5xx are not of its protocol: what it answers instead is tested in
// runtime/resilience.) Times are told, not judged.
func TestFaultsOfRedis(t *testing.T) {
	w := newWire(t, backends.Redis(t).Addr())
	keys := newKeysFolder(t)
	const key = "key-of-the-administrator-0123456789"
	keys.set("root", `{"key":"`+key+`","role":"admin"}`)
	settings := strings.NewReplacer(
		"{enabled: false,", "{enabled: true,",
		"{defaultTier: free}", "{defaultTier: free, limits: [{endpoint: search, tier: free, requestsPerMinute: 100000, burst: 100000, cost: 1}]}",
	).Replace(behind(t, w))
	r := startWith(t, noEnvironment, "--config", write(t, "config.yaml", settings), "--secrets-dir", keys.secrets)
	defer r.end(t)
	upload(t, r, key)
	r.post(t, "/api/v1/search", key, `{"query":"kite"}`) // makes the connection to OpenSearch that later ones find
	awaitRedis(t, r, telemetry.DependencyUp)
	goroutines := w.atRest()
	for _, f := range []fault{down, latency, blackHole, resets, slowClose, truncated, hangsInBody} {
		t.Run("Redis "+string(f), func(t *testing.T) {
			redisCell(t, r, key, w, f)
			matrix{}.await(t, "goroutines", goroutines, w.atRest)
		})
	}
}

// TestReadyOnceRedisWasMet, or had the time to answer: callers that came sooner would be refused while the connections are made.
func TestReadyOnceRedisWasMet(t *testing.T) {
	t.Parallel()
	redis := backends.Redis(t)
	for _, f := range []fault{healthy, blackHole} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			w := newWire(t, redis.Addr())
			w.set(f)
			keys := newKeysFolder(t)
			keys.set("root", `{"key":"key-of-the-administrator-0123456789","role":"admin"}`)
			began := time.Now()
			r := startWith(t, noEnvironment, "--config", write(t, "config.yaml", behind(t, w)), "--secrets-dir", keys.secrets)
			defer r.end(t)
			await(t, "readiness", func() bool { return r.get(t, r.admin+"/readyz") == http.StatusOK })
			took, said := time.Since(began), r.statusz(t)
			met := said.RedisCache != telemetry.DependencyUnknown && said.RedisState != telemetry.DependencyUnknown // down is found sooner by some calls
			if !met && took < redisPatience {
				t.Errorf("ready after %s, with Redis %s and %s", took, said.RedisCache, said.RedisState)
			}
		})
	}
}

func redisCell(t *testing.T, r *running, key string, w *wire, f fault) {
	m := matrix{running: r}
	counted := m.errors(t)
	w.set(f)
	var took []time.Duration
	for range 12 {
		began := time.Now()
		// A new question each time, which no cache answers.
		if status, _, body := r.post(t, "/api/v1/search", key, `{"query":"kite `+strings.ToLower(rand.Text())+`"}`); status != http.StatusOK {
			t.Errorf("%d %v", status, body)
		}
		took = append(took, time.Since(began))
	}
	if f != slowClose {
		awaitRedis(t, r, telemetry.DependencyDown)
	} else if cache, state := redisStates(t, r); cache != telemetry.DependencyUp || state != telemetry.DependencyUp {
		t.Errorf("the cache counts as %s, the state as %s", cache, state)
	}
	w.set(healthy)
	awaitRedis(t, r, telemetry.DependencyUp)
	for code, n := range m.errors(t) {
		if n != counted[code] {
			t.Errorf("%d more errors %s", n-counted[code], code)
		}
	}
	slices.Sort(took)
	t.Logf("| Redis | %s | 200 | p50 %s, max %s |", f, took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
}

// awaitRedis waits until both instances count as want.
func awaitRedis(t *testing.T, r *running, want telemetry.DependencyState) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		cache, state := redisStates(t, r)
		if cache == want && state == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the cache counts as %s, the state as %s, want %s", cache, state, want)
		}
	}
}

func redisStates(t *testing.T, r *running) (cache, state telemetry.DependencyState) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.admin+"/statusz", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var told telemetry.Statusz
	if err := json.NewDecoder(response.Body).Decode(&told); err != nil {
		t.Fatal(err)
	}
	return told.RedisCache, told.RedisState
}
