package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// TestTakenForWhatIsMeant: ways to write a request that programs and editors have, and that mean what another way means.
func TestTakenForWhatIsMeant(t *testing.T) {
	five, two := 5, 2
	half := 0.5
	tests := map[string]struct {
		body    string
		headers []string
		want    rag.SearchRequest
	}{
		"byte order mark":               {"\xef\xbb\xbf{\"query\":\"x\"}", nil, rag.SearchRequest{Query: "x"}},
		"whole number with a point":     {`{"query":"x","top_k":5.0}`, nil, rag.SearchRequest{Query: "x", TopK: &five}},
		"whole number with an exponent": {`{"query":"x","top_k":0.5e1,"offset":20e-1}`, nil, rag.SearchRequest{Query: "x", TopK: &five, Offset: two}},
		"zero of any kind":              {`{"query":"x","offset":-0.0e7}`, nil, rag.SearchRequest{Query: "x"}},
		"null everywhere": {`{"query":"x","top_k":null,"offset":null,"use_hybrid":null,"mode":null,"filter":null,"min_score":null}`, nil,
			rag.SearchRequest{Query: "x"}},
		"null in a filter":    {`{"query":"x","filter":{"a":null,"b":"1"}}`, nil, rag.SearchRequest{Query: "x", Filter: rag.Filter{"b": {"1"}}}},
		"escaped name":        {`{"qu\u0065ry":"x","min_score":5e-1}`, nil, rag.SearchRequest{Query: "x", MinScore: &half}},
		"charset":             {`{"query":"x"}`, []string{"Content-Type: application/json; charset=utf8"}, rag.SearchRequest{Query: "x"}},
		"charset in capitals": {`{"query":"x"}`, []string{`Content-Type: Application/JSON;charset="UTF-8"`}, rag.SearchRequest{Query: "x"}},
		"identity":            {`{"query":"x"}`, []string{"Content-Encoding: IDENTITY"}, rag.SearchRequest{Query: "x"}},
	}
	f := start(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got rag.SearchRequest
			f.service.search = func(_ context.Context, _ rag.Identity, r rag.SearchRequest) (rag.SearchResult, error) {
				got = r
				return rag.SearchResult{}, nil
			}
			if answer := f.call("POST", search, tt.body, tt.headers...); answer.status != http.StatusOK {
				t.Fatal(answer.body)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDocumentsTakenForWhatIsMeant is the same for uploads.
func TestDocumentsTakenForWhatIsMeant(t *testing.T) {
	const bom = "\xef\xbb\xbf"
	a, b := rag.Document{ID: "a", Text: "x"}, rag.Document{ID: "b", Text: "y"}
	withMetadata := a
	withMetadata.Metadata = rag.Metadata{
		"whole": 9007199254740992.0, "even": 9007199254740994.0, "big": 1e300, "half": 0.5, "zeros": 1.5, "exponent": 1200.0, "yes": true,
		"tags": []any{"p", "q"},
	}
	empty := a
	empty.Metadata = rag.Metadata{}
	tests := map[string]struct {
		body    string
		headers []string
		want    []rag.Document
	}{
		"one with a byte order mark":   {bom + `{"id":"a","text":"x"}`, nil, []rag.Document{a}},
		"array with a byte order mark": {bom + ` [{"id":"a","text":"x"},{"id":"b","text":"y"}]`, nil, []rag.Document{a, b}},
		"NDJSON with a byte order mark": {bom + "{\"id\":\"a\",\"text\":\"x\"}\r\n{\"id\":\"b\",\"text\":\"y\"}\r\n", []string{ndjson},
			[]rag.Document{a, b}},
		"NDJSON with a charset": {"{\"id\":\"a\",\"text\":\"x\"}\n", []string{ndjson + "; charset=utf8"}, []rag.Document{a}},
		"null fields":           {`{"id":"a","text":"x","title":null,"url":null,"metadata":null,"language":null}`, nil, []rag.Document{a}},
		"language":              {`{"id":"a","text":"x","language":"de-AT"}`, nil, []rag.Document{{ID: "a", Text: "x", Language: "de-AT"}}},
		"null in metadata":      {`{"id":"a","text":"x","metadata":{"k":null}}`, nil, []rag.Document{empty}},
		"numbers that a float holds": {`{"id":"a","text":"x","metadata":{"whole":9007199254740992,"even":9007199254740994,"big":1e300,"half":0.5,
			"zeros":1.5000000000000000000000,"exponent":12E+2,"yes":true,"tags":["p","q"]}}`, nil, []rag.Document{withMetadata}},
	}
	f := start(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []rag.Document
			f.service.ingest = func(_ context.Context, _ rag.Identity, next func() (rag.Document, error), _ func(rag.DocumentResult) error,
				_ rag.IngestOptions) (rag.IngestSummary, error) {
				for {
					d, err := next()
					if err == io.EOF { //nolint:errorlint // the contract of next
						return rag.IngestSummary{}, nil
					}
					if err != nil {
						return rag.IngestSummary{}, err
					}
					got = append(got, d)
				}
			}
			if answer := f.upload("", strings.NewReader(tt.body), tt.headers...); answer.status != http.StatusOK {
				t.Fatal(answer.body)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNumbersAreNotAltered: a number of metadata that would come back as another one is refused by its name.
func TestNumbersAreNotAltered(t *testing.T) {
	f := start(t)
	for _, number := range []string{
		"9007199254740993", "-9007199254740993", "123456789012345678901", "9007199254740993.0", "9007199254740993e0", "3.14159265358979323846",
		"1e-400", "1e400",
	} {
		got := f.call("POST", documents, `{"id":"a","text":"x","metadata":{"ok":1,"ticket":`+number+`}}`, asAdmin)
		code, fields := got.errorOf(t)
		if diff := cmp.Diff([]string{"metadata.ticket"}, fields); diff != "" || got.status != 422 || code != "validation_failed" {
			t.Errorf("%s: %d %s %s", number, got.status, code, diff)
		}
	}
}

// TestFaultsAreShort: what a caller made up is not sent back at any length.
func TestFaultsAreShort(t *testing.T) {
	f := start(t)
	long := strings.Repeat("é", 100_000)
	for _, body := range []string{
		`{"query":"x","mode":"` + long + `"}`, `{"query":"x","` + long + `":1}`, `{"query":"x","filter":{"` + long + `":1}}`,
		`{"query":"x","filter":{"` + long + `":"1"}}`,
	} {
		if got := f.call("POST", search, body); got.status != 422 || len(got.body) > 2000 {
			t.Errorf("%d with %d bytes", got.status, len(got.body))
		}
	}
}

// TestSameFaultsSameAnswer: the faults of objects of any names come in the order of the request, each time.
func TestSameFaultsSameAnswer(t *testing.T) {
	f := start(t)
	for range 20 {
		got := f.call("POST", documents, `{"metadata":{"d":{},"b":[1],"c":9007199254740993,"a":"`+strings.Repeat("x", 1025)+`"},"id":"a"}`, asAdmin)
		if _, fields := got.errorOf(t); !cmp.Equal(fields, []string{"metadata.c", "text"}) {
			t.Fatalf("as JSON: %v", fields)
		}
		got = f.call("POST", documents, `{"metadata":{"d":{},"b":[1],"a":"`+strings.Repeat("x", 1025)+`"},"text":" ","id":"a//b"}`, asAdmin)
		if _, fields := got.errorOf(t); !cmp.Equal(fields, []string{"metadata.d", "metadata.b", "metadata.a", "text", "id"}) {
			t.Fatalf("as a document: %v", fields)
		}
		got = f.call("POST", search, `{"filter":{"q":[],"b":[],"z":[],"a":[]},"query":"x"}`)
		if _, fields := got.errorOf(t); !cmp.Equal(fields, []string{"filter.q", "filter.b", "filter.z", "filter.a"}) {
			t.Fatalf("as a search: %v", fields)
		}
	}
}
