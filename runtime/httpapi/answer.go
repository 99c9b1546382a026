package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// writeTimeout is how long a client may take to receive a whole answer, or one event of a stream.
const writeTimeout = 30 * time.Second

// buffers hold answers while they are encoded and sent. One that has grown beyond maxKeptBuffer bytes is not kept.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const maxKeptBuffer = 64 << 10

// encode is v as one line of JSON.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	err := encodeTo(&b, v)
	return b.Bytes(), err
}

// jsonAppender encodes itself faster than encoding/json does.
type jsonAppender interface {
	appendJSON(b []byte) ([]byte, error)
}

// encodeTo adds v as one line of JSON; with an error it adds nothing. Text stays as it is: a reader of a terminal shall not
// see \u003c for <.
func encodeTo(b *bytes.Buffer, v any) error {
	if v, ok := v.(jsonAppender); ok {
		line, err := v.appendJSON(b.AvailableBuffer())
		if err != nil {
			return fmt.Errorf("encode the answer: %w", err)
		}
		b.Write(append(line, '\n'))
		return nil
	}
	before := b.Len()
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		b.Truncate(before)
		return fmt.Errorf("encode the answer: %w", err)
	}
	return nil
}

// answer encodes v before anything is sent, so that a fault is still a 500.
func answer(w http.ResponseWriter, v any) error {
	b, _ := buffers.Get().(*bytes.Buffer)
	defer func() {
		if b.Cap() <= maxKeptBuffer {
			b.Reset()
			buffers.Put(b)
		}
	}()
	if err := encodeTo(b, v); err != nil {
		return err
	}
	writeBody(w, http.StatusOK, b.Bytes())
	return nil
}

// Values of headers that all whole answers share. They are not changed.
var (
	contentJSON = []string{"application/json"}
	noSniff     = []string{"nosniff"}
	noStore     = []string{"no-store"} // a proxy does not know that X-API-Key makes answers differ
)

// writeBody sends a whole answer. Its client may have left; nothing can be done then.
func writeBody(w http.ResponseWriter, status int, data []byte) {
	extendWrite(w)
	h := w.Header()
	h["Content-Type"], h["X-Content-Type-Options"], h["Cache-Control"] = contentJSON, noSniff, noStore
	h.Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// extendWrite gives the next write its time: the server's own timeout runs from the beginning of the request. A writer
// without deadlines, as in a test, keeps none.
func extendWrite(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
}

// setCacheHeaders says in the headers, the metrics and the log how the cache served the result.
func setCacheHeaders(w http.ResponseWriter, r *http.Request, kind string, c rag.CacheInfo) {
	noteCache(r, kind, c)
	w.Header().Set("X-Cache", string(c.Outcome))
	if c.Outcome == rag.CacheHit || c.Outcome == rag.CacheStale {
		w.Header().Set("Age", strconv.Itoa(int(c.Age/time.Second)))
	}
}

func noteCache(r *http.Request, kind string, c rag.CacheInfo) {
	e := middleware.Of(r)
	e.CacheKind, e.CacheOutcome, e.CacheLayer, e.CacheAge = kind, c.Outcome, c.Layer, c.Age
}

// searchMode is what was really done, as answers say it.
func searchMode(mode rag.Mode, degraded bool) string {
	if degraded {
		return string(mode) + " (degraded)"
	}
	return string(mode)
}

// orEmpty makes a list that is nil [] and not null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
