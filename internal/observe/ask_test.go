package observe

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

const podUID = "3f8e2c"

func statusz(t *testing.T, said telemetry.Statusz) string {
	t.Helper()
	body, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// askServer asks a server on loopback that behaves as handler does.
func askServer(t *testing.T, handler http.HandlerFunc) (telemetry.Statusz, outcome) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return askAddress(t, server.Listener.Addr().String())
}

func askAddress(t *testing.T, address string) (telemetry.Statusz, outcome) {
	t.Helper()
	p := NewPoller(nil, WithAddress(func(netip.Addr) string { return address }))
	return p.ask(t.Context(), target{uid: podUID, address: netip.MustParseAddr("10.1.2.3")})
}

func TestAskReadsAnAnswer(t *testing.T) {
	t.Parallel()
	want := telemetry.Statusz{
		PodUID: podUID, Ready: true, ConfigHash: "00aa", RedisCacheFault: telemetry.FaultAuth, OpenSearch: telemetry.DependencyUp, RedisCache: telemetry.DependencyDown,
		RedisState: telemetry.DependencyUp, LLM: telemetry.DependencyUnused, WindowSeconds: 300,
		Cache: []telemetry.CacheCount{{Kind: "search", Hits: 1, Misses: 2}},
	}
	got, how := askServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/statusz" {
			t.Errorf("asked %s %s", r.Method, r.URL.Path)
		}
		said := want
		said.OpenSearchFault = "password hunter2" // no word of the list: left out
		_, _ = w.Write([]byte(statusz(t, said)))
	})
	if how != answered {
		t.Fatalf("outcome %s", how)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAskRefusesWhatIsNotAnAnswer(t *testing.T) {
	t.Parallel()
	body := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
	}
	for name, c := range map[string]struct {
		behave http.HandlerFunc
		want   outcome
	}{
		"another pod":           {body(statusz(t, telemetry.Statusz{PodUID: "other"})), foreign},
		"no pod":                {body(statusz(t, telemetry.Statusz{})), foreign},
		"not JSON":              {body("<html>"), malformed},
		"other types":           {body(`{"podUID": 1}`), malformed},
		"negative counts":       {body(`{"podUID":"` + podUID + `","cache":[{"kind":"llm","hits":-1}]}`), malformed},
		"counts that overflow":  {body(`{"podUID":"` + podUID + `","cache":[{"kind":"llm","hits":9223372036854775807}]}`), malformed},
		"a kind twice":          {body(`{"podUID":"` + podUID + `","cache":[{"kind":"llm"},{"kind":"llm"}]}`), malformed},
		"text in place of hash": {body(`{"podUID":"` + podUID + `","configHash":"<script>"}`), malformed},
		"huge": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"podUID":"` + podUID + `","version":"` + strings.Repeat("x", 2*maxAnswer) + `"}`))
		}, tooLarge},
		"huge headers": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 2*maxAnswerHeader))
		}, unreachable},
		"an error":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, badStatus},
		"slow":      {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, timedOut},
		"cut short": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, how := askServer(t, c.behave)
			if how != c.want {
				t.Errorf("outcome %s, want %s", how, c.want)
			}
			if diff := cmp.Diff(telemetry.Statusz{}, got); diff != "" {
				t.Errorf("something of the answer got out:\n%s", diff)
			}
		})
	}
}

func TestAskFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the operator went where an answer sent it")
	}))
	t.Cleanup(elsewhere.Close)
	_, how := askServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusFound)
	})
	if how != badStatus {
		t.Errorf("outcome %s, want %s", how, badStatus)
	}
}

// The environment is read once in a process, so the client is looked at rather than run.
func TestAskUsesNoProxy(t *testing.T) {
	t.Parallel()
	if newClient().Transport.(*http.Transport).Proxy != nil {
		t.Error("the client has a proxy function")
	}
}

func TestAskClosedPort(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.Listener.Addr().String()
	server.Close()
	if _, how := askAddress(t, address); how != unreachable {
		t.Errorf("outcome %s, want %s", how, unreachable)
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := NewPoller(nil, WithAddress(func(netip.Addr) string { return server.Listener.Addr().String() }))
	if _, how := p.ask(ctx, target{uid: podUID, address: netip.MustParseAddr("10.1.2.3")}); how != unreachable {
		t.Errorf("outcome %s, want %s", how, unreachable)
	}
}

func TestAdminAddress(t *testing.T) {
	t.Parallel()
	for pod, want := range map[string]string{"10.1.2.3": "10.1.2.3:8081", "fd00::1": "[fd00::1]:8081"} {
		if got := adminAddress(netip.MustParseAddr(pod)); got != want {
			t.Errorf("%s listens at %s, want %s", pod, got, want)
		}
	}
}
