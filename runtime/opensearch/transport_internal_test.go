package opensearch

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestProofOverTLS also has a path before OpenSearch's own, as behind an ingress.
func TestProofOverTLS(t *testing.T) {
	t.Parallel()
	for name, uuid := range map[string]string{"OpenSearch": "u", "a stranger": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var asked []string
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				asked = append(asked, r.URL.Path)
				mu.Unlock()
				if r.TLS == nil || r.ProtoMajor != 1 {
					t.Errorf("%s, want HTTP/1.1 over TLS", r.Proto)
				}
				_, _ = fmt.Fprintf(w, `{"cluster_uuid":%q,"version":{"distribution":"opensearch"}}`, uuid)
			}))
			defer server.Close()
			base, err := url.Parse(server.URL + "/search")
			if err != nil {
				t.Fatal(err)
			}
			trusted := x509.NewCertPool()
			trusted.AddCert(server.Certificate())
			way := newTransport(way{
				urls: []*url.URL{base}, cluster: &identity{}, lifetime: time.Minute, tls: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: trusted},
			})
			defer way.CloseIdleConnections()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base.JoinPath("documents").String(), nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := way.RoundTrip(request)
			want := []string{"/search/", "/search/documents"}
			switch {
			case uuid == "":
				want = want[:1]
				if !errors.Is(err, ErrForeignStore) {
					t.Errorf("%v, want a foreign store", err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				_ = answer.Body.Close()
			}
			if !slices.Equal(asked, want) {
				t.Errorf("asked for %q, want %q", asked, want)
			}
		})
	}
}
