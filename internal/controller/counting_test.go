package controller_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// requestLog notes what an operator asks of the API server, but for watches and events, and lets requests fail.
type requestLog struct {
	mu  sync.Mutex
	all []string
	// broken is the end of the path of writes that are answered with 503; empty for none.
	broken atomic.Pointer[string]
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (l *requestLog) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		noteUse(r)
		if r.URL.Query().Get("watch") == "" && !strings.HasSuffix(r.URL.Path, "/events") {
			l.mu.Lock()
			l.all = append(l.all, r.Method+" "+r.URL.Path)
			l.mu.Unlock()
		}
		if broken := l.broken.Load(); broken != nil && r.Method != http.MethodGet && strings.HasSuffix(r.URL.Path, *broken) {
			return &http.Response{
				StatusCode: http.StatusServiceUnavailable, Body: http.NoBody, Header: http.Header{}, Request: r,
			}, nil
		}
		return next.RoundTrip(r)
	})
}

// since answers the requests after the first n.
func (l *requestLog) since(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all[n:])
}

// writesSince answers those of them that write.
func (l *requestLog) writesSince(n int) []string {
	return slices.DeleteFunc(l.since(n), func(request string) bool { return strings.HasPrefix(request, http.MethodGet+" ") })
}

func (l *requestLog) count() int { return len(l.since(0)) }

// passCount keeps the log, and counts passes by the line that the library logs for each.
type passCount struct {
	n atomic.Int64

	mu    sync.Mutex
	lines strings.Builder
}

func (c *passCount) log(_, line string) {
	if strings.Contains(line, `"msg"="Reconciling"`) {
		c.n.Add(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines.WriteString(line + "\n")
}

func (c *passCount) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines.String()
}

// outcomes are "Status/Reason" by type of condition.
func outcomes(rag *v1alpha1.RAGService) map[string]string {
	out := map[string]string{}
	for _, c := range rag.Status.Conditions {
		out[c.Type] = string(c.Status) + "/" + c.Reason
	}
	return out
}

func render(outcomes map[string]string) string {
	var words []string
	for _, conditionType := range slices.Sorted(maps.Keys(outcomes)) {
		words = append(words, conditionType+"="+outcomes[conditionType])
	}
	return strings.Join(words, " ")
}
