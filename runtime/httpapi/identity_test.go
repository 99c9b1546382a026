package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

func TestIdentity(t *testing.T) {
	stats, document := "/api/v1/stats", documents+"/a"
	tests := []struct {
		name    string
		mode    config.AuthMode
		local   bool
		path    string
		headers []string
		status  int
	}{
		{"no key", config.AuthAPIKey, false, stats, nil, 401},
		{"key", config.AuthAPIKey, false, stats, []string{"X-API-Key: " + clientKey}, 200},
		{"bearer", config.AuthAPIKey, false, stats, []string{"Authorization: Bearer " + clientKey}, 200},
		{"bearer in another case", config.AuthAPIKey, false, stats, []string{"Authorization: bearer " + clientKey}, 200},
		{"both, the same", config.AuthAPIKey, false, stats, []string{"Authorization: Bearer " + clientKey, "X-API-Key: " + clientKey}, 200},
		{"both, different", config.AuthAPIKey, false, stats, []string{"Authorization: Bearer " + clientKey, "X-API-Key: " + adminKey}, 401},
		{"both, one empty", config.AuthAPIKey, false, stats, []string{"Authorization: Bearer", "X-API-Key: " + clientKey}, 401},
		{"unknown", config.AuthAPIKey, false, stats, []string{"X-API-Key: " + clientKey + "x"}, 401},
		{"another scheme", config.AuthAPIKey, false, stats, []string{"Authorization: Basic " + clientKey}, 401},
		{"client on an administrator's path", config.AuthAPIKey, false, document, []string{"X-API-Key: " + clientKey}, 403},
		{"administrator", config.AuthAPIKey, false, document, []string{asAdmin}, 200},
		{"local without a key", config.AuthAPIKey, true, stats, nil, 401},

		{"anonymous", config.AuthAnonymous, false, stats, nil, 200},
		{"anonymous with a key that a library demands", config.AuthAnonymous, false, stats, []string{"Authorization: Bearer sk-none"}, 200},
		{"anonymous with different keys", config.AuthAnonymous, false, stats, []string{"Authorization: Bearer a", "X-API-Key: b"}, 401},
		{"anonymous on an administrator's path", config.AuthAnonymous, false, document, nil, 401},
		{"anonymous with a wrong key there", config.AuthAnonymous, false, document, []string{"X-API-Key: wrong"}, 401},
		{"anonymous with a client's key there", config.AuthAnonymous, false, document, []string{"X-API-Key: " + clientKey}, 403},
		{"anonymous mode, administrator", config.AuthAnonymous, false, document, []string{asAdmin}, 200},
		{"alone, from this machine", config.AuthAnonymous, true, document, nil, 200},
		{"alone, by name", config.AuthAnonymous, true, document, []string{"Host: localhost:8080"}, 200},
		{"alone, through a proxy", config.AuthAnonymous, true, document, []string{"X-Forwarded-For: 192.0.2.1"}, 401},
		{"alone, through another proxy", config.AuthAnonymous, true, document, []string{"X-Real-Ip: 192.0.2.1"}, 401},
		{"from this machine, not alone by flag", config.AuthAnonymous, false, document, []string{"Host: localhost:8080"}, 401},
		{"anonymous with another scheme", config.AuthAnonymous, false, stats, []string{"Authorization: Basic dTpw"}, 200},
		{"anonymous with another scheme on an administrator's path", config.AuthAnonymous, false, document, []string{"Authorization: Negotiate x"}, 401},
		{"anonymous with another scheme beside a key", config.AuthAnonymous, false, document, []string{"Authorization: Basic dTpw", asAdmin}, 200},
		{"alone, a web page's name", config.AuthAnonymous, true, document, []string{"Host: evil.example"}, 401},

		{"client names a tenant", config.AuthAPIKey, false, stats + "?tenant=other", []string{"X-API-Key: " + clientKey}, 403},
		{"client names its own", config.AuthAPIKey, false, stats + "?tenant=acme", []string{"X-API-Key: " + clientKey}, 403},
		{"administrator of a tenant names one", config.AuthAPIKey, false, stats + "?tenant=other", []string{"X-API-Key: " + tenantKey}, 403},
		{"administrator names none", config.AuthAPIKey, false, stats + "?tenant=", []string{asAdmin}, 422},
		{"administrator names two", config.AuthAPIKey, false, stats + "?tenant=a&tenant=b", []string{asAdmin}, 422},
		{"administrator names nonsense", config.AuthAPIKey, false, stats + "?tenant=%00", []string{asAdmin}, 422},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := start(t, func(f *fixture) {
				f.config.Auth.Mode, f.anonymous.LoopbackAdmin = tt.mode, tt.local
			})
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range tt.headers {
				name, value, _ := strings.Cut(h, ": ")
				if r.Header.Set(name, value); name == "Host" {
					r.Host = value
				}
			}
			got := f.do(r)
			if got.status != tt.status {
				t.Errorf("%d %s", got.status, got.body)
			}
			if challenge := got.header.Get("WWW-Authenticate"); (challenge != "") != (tt.status == 401) {
				t.Errorf("WWW-Authenticate %q", challenge)
			}
			if tt.status >= 400 {
				if code, _ := got.errorOf(t); code != map[int]string{401: "unauthorized", 403: "forbidden", 422: "validation_failed"}[tt.status] {
					t.Errorf("code %s", code)
				}
			}
		})
	}
}

func TestHeadersThatCarryAKeyTwice(t *testing.T) {
	f := start(t)
	for _, name := range []string{"Authorization", "X-API-Key"} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+"/api/v1/stats", nil)
		r.Header.Add(name, "Bearer "+clientKey)
		r.Header.Add(name, "Bearer "+clientKey)
		if got := f.do(r); got.status != 401 {
			t.Errorf("%s twice: %d", name, got.status)
		}
	}
}

// TestFailedAuthenticationIsLimited: guessing is slowed down, and those who share the address are not locked out.
func TestFailedAuthenticationIsLimited(t *testing.T) {
	f := start(t)
	for i := range 20 {
		if got := f.call("GET", "/api/v1/stats", "", fmt.Sprintf("X-API-Key: guess-%d", i)); got.status != 401 {
			t.Fatalf("guess %d: %d", i, got.status)
		}
	}
	got := f.call("GET", "/api/v1/stats", "", "X-API-Key: guess")
	if code, _ := got.errorOf(t); got.status != 429 || code != "rate_limit_exceeded" || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	if got := f.call("GET", "/api/v1/stats", ""); got.status != 200 {
		t.Errorf("a known key: %d", got.status)
	}
	if got := f.call("GET", "/api/v1/stats", "", "X-API-Key: "); got.status != 401 {
		t.Errorf("no key, which is no guess: %d", got.status)
	}
}

func TestAnonymousCallersAreNamedByTheirAddress(t *testing.T) {
	f := start(t, func(f *fixture) { f.config.Auth.Mode = config.AuthAnonymous })
	var got rag.Identity
	f.service.search = func(_ context.Context, id rag.Identity, _ rag.SearchRequest) (rag.SearchResult, error) {
		got = id
		return rag.SearchResult{}, nil
	}
	f.call("POST", search, `{"query":"x"}`, "X-API-Key: ")
	if !strings.HasPrefix(got.Name, "addr:") || strings.Contains(got.Name, "127.0.0.1") || got.Role != rag.RoleClient ||
		got.Tenant != rag.DefaultTenant {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(f.log.String(), `"user_id":"`+got.Name+`"`) {
		t.Errorf("the log does not name the caller:\n%s", f.log)
	}
	f.call("POST", search, `{"query":"x"}`)
	if got.Name != "key:alice" || !strings.Contains(f.log.String(), `"user_id":"alice"`) {
		t.Errorf("one with a key is called %q:\n%s", got.Name, f.log)
	}
}

// Behind a proxy callers are told apart by the address that it has seen; what they write themselves stands before that.
func TestAddressesBehindAProxy(t *testing.T) {
	f := start(t, func(f *fixture) {
		f.config.Auth = config.Auth{Mode: config.AuthAnonymous, TrustedProxies: config.TrustedProxies{Depth: 1}}
		proxies := func() config.TrustedProxies { return f.config.Auth.TrustedProxies }
		f.anonymous.Proxies, f.api.Authentication.Proxies = proxies, proxies
	})
	var name string
	f.service.search = func(_ context.Context, id rag.Identity, _ rag.SearchRequest) (rag.SearchResult, error) {
		name = id.Name
		return rag.SearchResult{}, nil
	}
	named := func(forwarded string) string {
		f.call("POST", search, `{"query":"x"}`, "X-API-Key: ", "X-Forwarded-For: "+forwarded)
		return name
	}
	caller := named("203.0.113.7")
	if forged, other := named("198.51.100.9, 203.0.113.7"), named("203.0.113.8"); forged != caller || other == caller {
		t.Errorf("%s is called %s with a forged address, another caller %s", caller, forged, other)
	}
	f.config.Auth.Mode = config.AuthAPIKey
	guess := func(forwarded string) int {
		return f.call("GET", "/api/v1/stats", "", "X-API-Key: wrong", "X-Forwarded-For: "+forwarded).status
	}
	for i := range 20 {
		if got := guess(fmt.Sprintf("198.51.100.%d, 203.0.113.7", i)); got != 401 {
			t.Fatalf("guess %d: %d, want 401", i, got)
		}
	}
	if same, other := guess("198.51.100.99, 203.0.113.7"), guess("203.0.113.8"); same != 429 || other != 401 {
		t.Errorf("one more guess: %d, want 429; one of another caller: %d, want 401", same, other)
	}
}
