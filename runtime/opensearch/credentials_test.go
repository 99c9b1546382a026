package opensearch_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// guarded is a real OpenSearch behind a proxy that speaks TLS and wants a password, as OpenSearch with its security plugin does: that
// plugin is not in the distribution that tests run. Who has no password gets 401 without the product's header, as from a gateway.
func guarded(t *testing.T, user, password string) (address, authority string) {
	t.Helper()
	target, err := url.Parse(backends.OpenSearch(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, given, _ := r.BasicAuth(); name != user || given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="OpenSearch Security"`)
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		r.Header.Del("Authorization")
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

func TestPasswordAndCertificates(t *testing.T) {
	t.Parallel()
	address, authority := guarded(t, "searcher", "right")
	for name, test := range map[string]struct {
		credentials config.OpenSearchCredentials
		fault       string
	}{
		"all right":       {config.OpenSearchCredentials{Username: "searcher", Password: "right", CA: authority}, ""},
		"wrong password":  {config.OpenSearchCredentials{Username: "searcher", Password: "wrong", CA: authority}, "auth"},
		"no certificates": {config.OpenSearchCredentials{Username: "searcher", Password: "right"}, "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newStore(t, opensearch.Options{
				Config: config.OpenSearch{URLs: []string{address}, Index: newIndex()}, Credentials: test.credentials, Timeout: time.Minute,
			})
			runWithout(t, store)
			if test.fault != "" {
				if !await(t, func() bool { return store.Cause() == test.fault }) {
					t.Errorf("cause %q, want %q", store.Cause(), test.fault)
				}
				if _, err := foundIDs(t.Context(), store, "Haus"); rag.KindOf(err) != rag.ErrSearchUnavailable {
					t.Errorf("a search fails with %v, want search_unavailable", err)
				}
				return
			}
			if !await(t, func() bool { return store.Current(t.Context(), "t").Token != "" }) {
				t.Fatalf("the store is not reached: %s", store.Cause())
			}
			if err := writeText(t.Context(), store, "d", germanText); err != nil {
				t.Fatal(err)
			}
			if err := store.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if found, err := foundIDs(t.Context(), store, "See"); err != nil || !found["d"] {
				t.Errorf("found %v, %v", found, err)
			}
		})
	}
}

// TestAPasswordGoesOverTLSAlone: nobody else has shown who he is.
func TestAPasswordGoesOverTLSAlone(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]opensearch.Options{
		"http": {
			Config:      config.OpenSearch{URLs: []string{"https://a:9200", "http://b:9200"}, Index: "documents"},
			Credentials: config.OpenSearchCredentials{Username: "searcher", Password: "p4ssw0rd"},
		},
		"certificates that are none": {
			Config:      config.OpenSearch{URLs: []string{"https://a:9200"}, Index: "documents"},
			Credentials: config.OpenSearchCredentials{Password: "p4ssw0rd", CA: "none"},
		},
	} {
		if store, err := opensearch.New(o); err == nil || strings.Contains(err.Error(), "p4ssw0rd") {
			t.Errorf("%s: %v, want an error without the password", name, err)
			if store != nil {
				_ = store.Close()
			}
		}
	}
}
