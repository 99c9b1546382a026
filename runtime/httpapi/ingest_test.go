package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// told is an answer of POST documents in short: "index id status code", then the counts.
type told struct {
	Error *struct {
		Code    string
		Message string
	}
	Created, Updated, Unchanged, Failed int
	Results                             []toldResult
}

type toldResult struct {
	Index  *int   `json:"index"`
	ID     string `json:"id"`
	Status string `json:"status"`
	Chunks int    `json:"chunks"`
	Error  *struct {
		Code string `json:"code"`
	} `json:"error"`
}

func (r toldResult) String() string {
	code := ""
	if r.Error != nil {
		code = " " + r.Error.Code
	}
	return fmt.Sprintf("%d %s %s%s", *r.Index, r.ID, r.Status, code)
}

func (d told) String() string {
	var b strings.Builder
	for _, r := range d.Results {
		fmt.Fprintln(&b, r)
	}
	if d.Error != nil {
		fmt.Fprintln(&b, "error", d.Error.Code)
	}
	fmt.Fprintf(&b, "%d created, %d failed", d.Created, d.Failed)
	return b.String()
}

func TestIngest(t *testing.T) {
	huge := strings.Repeat("x", 17<<20)
	tests := map[string]struct {
		body    string
		headers []string
		status  int
		want    string
	}{
		"one": {`{"id":"a","text":"x","metadata":{"n":1,"tags":["a"]}}`, nil, 200, "0 a created\n1 created, 0 failed"},
		"array": {` [ {"id":"a","text":"x"},{"id":"b","text":"y"} ] `, nil, 200,
			"0 a created\n1 b created\n2 created, 0 failed"},
		"empty array":  {"[]", nil, 200, "0 created, 0 failed"},
		"empty NDJSON": {"\n", []string{ndjson}, 200, "0 created, 0 failed"},
		"NDJSON": {"{\"id\":\"a\",\"text\":\"x\"}\r\n\n{\"id\":\"b\",\"text\":\"y\"}", []string{ndjson}, 200,
			"0 a created\n1 b created\n2 created, 0 failed"},
		"each judged by itself": {`[{"id":"a","text":"x"},{"id":"b"},7,{"id":"c","text":"x","colour":"red"},{"id":"d//","text":"x"},{"id":"e","text":"x"}]`, nil, 200,
			"0 a created\n1 b failed validation_failed\n2  failed validation_failed\n3 c failed validation_failed\n4 d// failed validation_failed\n5 e created\n2 created, 4 failed"},
		"broken line": {"{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\n{\"id\":\"b\",\"text\":\"\xff\"}\n{\"id\":\"c\",\"text\":\"x\"}\n", []string{ndjson}, 200,
			"0 a created\n1  failed malformed_json\n2 b failed malformed_json\n3 c created\n2 created, 2 failed"},
		"all lines broken": {"{\n}\n", []string{ndjson}, 200, "0  failed malformed_json\n1  failed malformed_json\n0 created, 2 failed"},
		"line too long": {`{"id":"a","text":"` + huge + "\"}\n{\"id\":\"b\",\"text\":\"x\"}\n", []string{ndjson}, 200,
			"0  failed body_too_large\n1 b created\n1 created, 1 failed"},
		"last line too long": {"{\"id\":\"b\",\"text\":\"x\"}\n" + huge, []string{ndjson}, 200,
			"0 b created\n1  failed body_too_large\n1 created, 1 failed"},
		"broken array": {`[{"id":"a","text":"x"},{"id":"b","text":"y"},{"id":}]`, nil, 400,
			"0 a created\n1 b created\nerror malformed_json\n2 created, 0 failed"},
		"array cut": {`[{"id":"a","text":"x"},{"id":"b","text":"y"}`, nil, 400,
			"0 a created\n1 b created\nerror malformed_json\n2 created, 0 failed"},
		"array without a comma": {`[{"id":"a","text":"x"} {"id":"b","text":"y"}]`, nil, 400,
			"0 a created\nerror malformed_json\n1 created, 0 failed"},
		"something after the array": {`[{"id":"a","text":"x"}] {}`, nil, 400, "0 a created\nerror malformed_json\n1 created, 0 failed"},
		"element not UTF-8": {"[{\"id\":\"a\",\"text\":\"\xff\"},{\"id\":\"b\",\"text\":\"x\"}]", nil, 200,
			"0 a failed malformed_json\n1 b created\n1 created, 1 failed"},
		"element too large": {`[{"id":"a","text":"x"},{"id":"b","text":"` + huge + `"},{"id":"c","text":"x"}]`, nil, 413,
			"0 a created\nerror body_too_large\n1 created, 0 failed"},
		"body too large": {`[{"id":"a","text":"x"}` + strings.Repeat(" ", 64<<20) + `]`, nil, 413,
			"0 a created\nerror body_too_large\n1 created, 0 failed"},
	}
	f := start(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got told
			answer := f.upload("", io.MultiReader(strings.NewReader(tt.body)), tt.headers...)
			answer.decode(t, &got)
			if answer.status != tt.status {
				t.Errorf("%d: %s", answer.status, answer.body)
			}
			if diff := cmp.Diff(tt.want, got.String()); diff != "" {
				t.Errorf("%s\n%s", diff, answer.body)
			}
			if got.Results == nil && !strings.Contains(answer.body, `"results":[]`) {
				t.Errorf("results are not a list: %s", answer.body)
			}
		})
	}
}

// upload sends documents of a length that the server is not told.
func (f *fixture) upload(query string, body io.Reader, headers ...string) reply {
	f.Helper()
	r, err := http.NewRequestWithContext(f.Context(), http.MethodPost, f.url+documents+query, body)
	if err != nil {
		f.Fatal(err)
	}
	r.Header.Set("X-API-Key", adminKey)
	r.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return f.do(r)
}

// TestIngestFailsAsAWhole: what is known of the documents is told beside the error.
func TestIngestFailsAsAWhole(t *testing.T) {
	f := start(t)
	f.service.ingest = func(_ context.Context, _ rag.Identity, next func() (rag.Document, error), report func(rag.DocumentResult) error,
		_ rag.IngestOptions) (rag.IngestSummary, error) {
		d, _ := next()
		_ = report(rag.DocumentResult{ID: d.ID, Status: rag.StatusUpdated, Chunks: 2})
		return rag.IngestSummary{Updated: 1}, &rag.Error{Kind: rag.ErrSearchUnavailable, Message: "m"}
	}
	got := f.upload("", strings.NewReader(`[{"id":"a","text":"x"}]`))
	want := parse(t, `{"error":{"code":"search_unavailable","message":"m"},"created":0,"updated":1,"unchanged":0,"failed":0,
		"results":[{"index":0,"id":"a","status":"updated","chunks":2}]}`)
	if diff := cmp.Diff(want, got.fields(t)); diff != "" || got.status != 503 || got.header.Get("Retry-After") != "5" {
		t.Errorf("%d %v %s", got.status, got.header, diff)
	}
}

// TestIngestOfOneThatTheStoreRefuses: it is answered like any request that fails; in a list, each document has its own end.
func TestIngestOfOneThatTheStoreRefuses(t *testing.T) {
	f := start(t)
	f.service.ingest = func(_ context.Context, _ rag.Identity, next func() (rag.Document, error), report func(rag.DocumentResult) error,
		_ rag.IngestOptions) (rag.IngestSummary, error) {
		d, _ := next()
		refused := &rag.Error{Kind: rag.ErrSearchUnavailable, Message: "m"}
		return rag.IngestSummary{Failed: 1}, report(rag.DocumentResult{ID: d.ID, Status: rag.StatusFailed, Err: refused})
	}
	counts := `"created":0,"updated":0,"unchanged":0,"failed":1,
		"results":[{"index":0,"id":"a","status":"failed","chunks":0,"error":{"code":"search_unavailable","message":"m"}}]}`
	for body, want := range map[string]struct {
		status int
		begins string
	}{
		`{"id":"a","text":"x"}`:   {503, `{"error":{"code":"search_unavailable","message":"m"},`},
		`[{"id":"a","text":"x"}]`: {200, `{`},
	} {
		got := f.upload("", strings.NewReader(body))
		if diff := cmp.Diff(parse(t, want.begins+counts), got.fields(t)); diff != "" || got.status != want.status {
			t.Errorf("%s: %d, want %d %s", body, got.status, want.status, diff)
		}
	}
}

func TestIngestOptions(t *testing.T) {
	f := start(t)
	for query, want := range map[string]bool{"": true, "?refresh=true": true, "?refresh=false": false, "?refresh=false&stream=true": false} {
		var got rag.IngestOptions
		f.service.ingest = func(_ context.Context, _ rag.Identity, _ func() (rag.Document, error), _ func(rag.DocumentResult) error,
			opt rag.IngestOptions) (rag.IngestSummary, error) {
			got = opt
			return rag.IngestSummary{}, nil
		}
		if a := f.upload(query, strings.NewReader("[]")); a.status != 200 || got.Refresh != want {
			t.Errorf("%q: %d, refresh %v", query, a.status, got.Refresh)
		}
	}
}

// TestIngestInBatches: refusals are told in their places also when the service reports late.
func TestIngestInBatches(t *testing.T) {
	f := start(t)
	f.service.ingest = func(_ context.Context, _ rag.Identity, next func() (rag.Document, error), report func(rag.DocumentResult) error,
		_ rag.IngestOptions) (rag.IngestSummary, error) {
		var batch []rag.Document
		for {
			d, err := next()
			if err != nil {
				break
			}
			batch = append(batch, d)
		}
		for i, d := range batch {
			if err := report(rag.DocumentResult{Index: i, ID: d.ID, Status: rag.StatusCreated}); err != nil {
				return rag.IngestSummary{}, err
			}
		}
		return rag.IngestSummary{Created: len(batch)}, nil
	}
	var got told
	f.upload("", strings.NewReader("{}\n{\"id\":\"a\",\"text\":\"x\"}\n{}\n{}\n{\"id\":\"b\",\"text\":\"x\"}\n{}\n"), ndjson).decode(t, &got)
	want := "0  failed validation_failed\n1 a created\n2  failed validation_failed\n3  failed validation_failed\n4 b created\n5  failed validation_failed\n2 created, 4 failed"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

// TestIngestFullDuplex: each result is read before the next document is sent.
func TestIngestFullDuplex(t *testing.T) {
	f := start(t)
	send, body := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.url+documents+"?stream=true", send)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-API-Key", adminKey)
	r.Header.Set("Content-Type", "application/x-ndjson")
	go func() { _, _ = io.WriteString(body, "{\"id\":\"0\",\"text\":\"x\"}\n") }()
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%d %v", got.StatusCode, got.Header)
	}
	lines := bufio.NewScanner(got.Body)
	for i := range 100 {
		if !lines.Scan() {
			t.Fatalf("no result %d: %v", i, lines.Err())
		}
		var result toldResult
		if err := json.Unmarshal(lines.Bytes(), &result); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%d %d created", i, i); result.String() != want {
			t.Fatalf("%s, want %s", result, want)
		}
		if _, err := fmt.Fprintf(body, "{\"id\":\"%d\",\"text\":\"x\"}\n", i+1); err != nil {
			t.Fatal(err)
		}
	}
	_ = body.Close()
	var last string
	for lines.Scan() {
		last = lines.Text()
	}
	if want := `{"created":101,"updated":0,"unchanged":0,"failed":0}`; last != want {
		t.Errorf("last line %s", last)
	}
}

func TestIngestStreamBreaks(t *testing.T) {
	f := start(t)
	got := f.upload("?stream=true", strings.NewReader(`[{"id":"a","text":"x"},{"id"]`))
	lines := strings.Split(strings.TrimSpace(got.body), "\n")
	var last told
	reply{body: lines[len(lines)-1]}.decode(t, &last)
	if got.status != 200 || len(lines) != 2 || last.String() != "error malformed_json\n1 created, 0 failed" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if !strings.Contains(last.Error.Message, "documents read before: 1, the rest was not read") {
		t.Errorf("the rest is not told: %s", last.Error.Message)
	}
}

// TestIngestTooMany: the results of one body are bounded, those of a stream are not.
func TestIngestTooMany(t *testing.T) {
	f := start(t)
	body := strings.Repeat("{\"id\":\"a\",\"text\":\"x\"}\n", 100_001)
	var got told
	answer := f.upload("", strings.NewReader(body), ndjson)
	answer.decode(t, &got)
	if answer.status != 413 || got.Created != 100_000 || got.Error == nil || got.Error.Code != "body_too_large" {
		t.Errorf("%d, %d created", answer.status, got.Created)
	}
	answer = f.upload("?stream=true", strings.NewReader(body), ndjson)
	if !strings.Contains(answer.body, `{"created":100001,`) {
		t.Errorf("%d", answer.status)
	}
}
