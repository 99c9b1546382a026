package httpapi_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// TestACachedRequestIsOneLine: whatever the DEBUG events would tell of it stands in that line.
func TestACachedRequestIsOneLine(t *testing.T) {
	f := start(t)
	hit := rag.CacheInfo{Outcome: rag.CacheHit, Age: 3 * time.Second}
	const takes = 2 * time.Millisecond
	f.service.search = func(context.Context, rag.Identity, rag.SearchRequest) (rag.SearchResult, error) {
		time.Sleep(takes)
		return rag.SearchResult{Retrieval: rag.Retrieval{Mode: rag.ModeKeyword, Cache: hit}}, nil
	}
	f.service.ask = func(context.Context, rag.Identity, rag.AskRequest) (rag.Answer, error) {
		time.Sleep(takes)
		return rag.Answer{Mode: rag.ModeKeyword, Cache: hit}, nil
	}
	f.service.stream = func(_ context.Context, _ rag.Identity, _ rag.AskRequest, e rag.StreamEvents) (rag.Answer, error) {
		time.Sleep(takes)
		return rag.Answer{Mode: rag.ModeKeyword, Cache: hit}, e.Meta(rag.StreamMeta{Mode: rag.ModeKeyword, Cache: hit})
	}
	for _, path := range []string{search, ask, stream} {
		before := len(f.log.String())
		got := f.call("POST", path, `{"query":"x"}`)
		f.waitForLog(`"route":"` + path + `"`)
		line := f.log.String()[before:]
		if n := strings.Count(line, "\n"); n != 1 {
			t.Errorf("%s: %d lines:\n%s", path, n, line)
		}
		var tells map[string]any
		if err := json.Unmarshal([]byte(line), &tells); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		want := map[string]any{
			"level": "INFO", "event": "request_completed", "user_id": "alice", "request_id": got.header.Get("X-Request-Id"), "method": "POST",
			"route": path, "status": 200.0, "cache": "HIT", "age_s": 3.0, "bytes": float64(len(got.body)), "query_hash": f.api.Hasher.Query("x"),
		}
		if took, ok := tells["took_ms"].(float64); !ok || took < float64(takes.Milliseconds()) {
			t.Errorf("%s: took_ms is %v", path, tells["took_ms"])
		}
		for _, varying := range []string{"timestamp", "trace_id", "took_ms"} {
			if tells[varying] == nil {
				t.Errorf("%s: no %s", path, varying)
			}
			delete(tells, varying)
		}
		if diff := cmp.Diff(want, tells); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}
