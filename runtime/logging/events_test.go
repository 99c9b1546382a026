package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// everyEvent has a value of each event with every field set.
var everyEvent = []Event{
	ServerStarted{Version: "v", Listen: "l", AdminListen: "a", ConfigHash: "h", Manifest: "m", DataDir: "d", KeysFile: "k", Mode: "alone"},
	ServerDraining{Delay: 1, Timeout: 1, Connections: 1, Requests: 1},
	ServerStopped{},
	ServerStopped{Err: errors.New("e")},
	ServerFailed{Err: errors.New("e")},
	ConnectionFailed{Err: errors.New("e")},
	RequestCompleted{
		RequestID: "i", Method: "POST", Route: "r", Status: 200, Code: "c", Refusal: errors.New("e"), Query: Query{"q", "t"}, Cache: "HIT", Age: time.Second,
		Bytes: 1, Took: time.Second,
	},
	SearchQuery{Route: "r", Query: Query{"q", "t"}},
	SlowQuery{Query: Query{"q", "t"}, SearchMode: "keyword", Hits: 1, Code: "c", Threshold: time.Second, Took: time.Second},
	SearchCompleted{SearchMode: "keyword", Hits: 1, Total: 1, Took: time.Second},
	CacheHit{Kind: "llm", Age: time.Second},
	CacheMiss{Kind: "llm"},
	LimitShadowed{Endpoint: "ask", Tier: "free", Limit: 10},
	CacheInvalidated{Scope: "document", Kind: "llm", DocumentID: "a", Unlinked: 1},
	CacheWarmed{Requests: 3, Failed: 1},
	CacheStale{Kind: "llm", Code: "llm_timeout", Age: time.Second},
	LLMResponse{Took: time.Second, PromptTokens: 1, CompletionTokens: 1},
	LLMFailed{Code: "c", Took: time.Second},
	AnswerExtracted{Code: "c"},
	TracesFailed{Code: "c"},
	TracesRestored{},
	JWKSReadFailed{Err: errors.New("e")},
	JWKSKeysRefused{Refused: 1},
	RequestFailed{RequestID: "i", Route: "r", Code: "c", Model: true, Err: errors.New("e")},
	RequestFailed{RequestID: "i", Route: "r", Code: "c", Err: errors.New("e")},
	IndexRebuilding{Done: 1, Total: 2},
	DocumentsWritten{Created: 1, Updated: 1, Unchanged: 1, Failed: 1},
	DocumentRecovered{Tenant: "a", DocumentID: "b", Kind: "update", Began: time.Unix(1, 0)}, RecoveryFailed{Code: "c", Err: errors.New("x")},
	DocumentsFailed{Code: "c", Failed: 1, Err: errors.New("e")},
	PanicRecovered{Panic: "p", Stack: "s"},
	DatabaseConnectionLost{Dependency: "d", Code: "c", Err: errors.New("e")},
	DatabaseConnectionRestored{Dependency: "d"},
	DatabaseWritesBlocked{Dependency: "d", Blocked: true},
	DatabaseWritesBlocked{Dependency: "d"},
	RedisEvictionUnsafe{Policy: "allkeys-lru"},
	BudgetExceeded{Budget: "dailyUSD", Scope: "tenant", Tenant: "acme", Limit: 2.5, Action: "Deny", ResetsAt: time.Unix(1, 0)},
	FeedbackReceived{RatedTraceID: "t", Score: 0.5, CommentKept: true},
	DiskFailed{State: "full", Err: errors.New("e")},
	DiskRecovered{},
	IndexDamaged{Err: errors.New("e")},
	ConfigReloaded{ConfigHash: "h"},
	ConfigRejected{ConfigHash: "h", Err: errors.New("e")},
	KeysReloaded{Keys: 1, Refused: 1},
	KeyRefused{Entry: "a", Why: "w"},
	KeysRejected{Err: errors.New("e")},
	ConfigFieldIgnored{Field: "f"},
	LogFileFailed{Err: errors.New("e")},
	LogFileRestored{Lost: 1},
	LinesDropped{Day: time.Unix(1, 0), Limit: 1, Written: 1, ByEvent: map[string]int64{"cache_hit": 1}},
}

// TestDocsListTheEvents compares the table of docs/logs.md, and with it the order of attributes, with what is written.
func TestDocsListTheEvents(t *testing.T) {
	var written []string
	for _, e := range everyEvent {
		event, level, names := describeLine(t, e)
		row := "| `" + event + "` | " + level + " | "
		if len(names) > 0 {
			row += "`" + strings.Join(names, "`, `") + "`"
		}
		written = append(written, row)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "logs.md"))
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| `") && len(cells) == 4 {
			documented = append(documented, strings.Join(cells[:3], " | "))
		}
	}
	slices.Sort(written)
	slices.Sort(documented)
	if diff := cmp.Diff(written, documented); diff != "" {
		t.Errorf("docs/logs.md and the events differ (-written +documented):\n%s", diff)
	}
}

// TestWhatIsCritical compares the list of docs/logs.md with the events: somebody gets up for each.
func TestWhatIsCritical(t *testing.T) {
	written := map[string]bool{}
	for event, all := range shapes(t) {
		for _, s := range all {
			if s.level == LevelCritical.String() {
				written[event] = true
			}
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "logs.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## CRITICAL\n")
	section, _, _ = strings.Cut(section, "\n## ")
	documented := map[string]bool{}
	for line := range strings.Lines(section) {
		if rest, ok := strings.CutPrefix(line, "| `"); ok {
			event, _, _ := strings.Cut(rest, "`")
			documented[event] = true
		}
	}
	if diff := cmp.Diff(written, documented); diff != "" || len(written) == 0 {
		t.Errorf("what is CRITICAL (-written +documented):\n%s", diff)
	}
}

// attributesOf are the names that follow the common ones, in the order of the line.
func attributesOf(t *testing.T, line []byte) []string {
	t.Helper()
	var names []string
	d := json.NewDecoder(bytes.NewReader(line))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err = errors.Join(err, d.Decode(&value)); err != nil {
			t.Fatal(err)
		}
		names = append(names, fmt.Sprint(name))
	}
	common := []string{"timestamp", "level", "event", "trace_id", "user_id"}
	if len(names) < len(common) || !slices.Equal(names[:len(common)], common) {
		t.Fatalf("the line begins with %v", names)
	}
	return names[len(common):]
}
