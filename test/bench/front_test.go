package bench

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
)

// exchange is a request that went through a front.
type exchange struct {
	method, path string
	header       http.Header
	body         []byte
}

// front stands before a server and remembers what it was asked. What it costs, it costs all who ask through it.
type front struct {
	*httptest.Server
	mu        sync.Mutex
	exchanges []exchange
}

func newFront(tb testing.TB, server string) *front {
	tb.Helper()
	target, err := url.Parse(server)
	if err != nil {
		tb.Fatal(err)
	}
	f := &front{}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		f.mu.Lock()
		f.exchanges = append(f.exchanges, exchange{r.Method, r.URL.RequestURI(), r.Header.Clone(), body})
		f.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	tb.Cleanup(f.Close)
	return f
}

// took returns what was asked since the last call.
func (f *front) took() []exchange {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := slices.Clone(f.exchanges)
	f.exchanges = f.exchanges[:0]
	return taken
}
