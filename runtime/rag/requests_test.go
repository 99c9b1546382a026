package rag

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var testSettings = Settings{Retrieval: RetrievalSettings{TopK: 5, MaxTopK: 50, ChunkWords: 20, ChunkOverlap: 2}}

func TestSearchRequest(t *testing.T) {
	tests := []struct {
		name    string
		request SearchRequest
		kind    *Kind
		field   string
	}{
		{"smallest", SearchRequest{Query: "x"}, nil, ""},
		{"longest", SearchRequest{Query: strings.Repeat("ä", 1000), TopK: new(50), Offset: 150}, nil, ""},
		{"operators are text", SearchRequest{Query: `"a" AND -b* (c:d) \`}, nil, ""},
		{"newline and tab", SearchRequest{Query: "a\n\tb"}, nil, ""},
		{"hybrid answers by keyword", SearchRequest{Query: "x", Mode: ModeHybrid}, nil, ""},
		{"empty", SearchRequest{Query: " \n"}, ErrInvalidQuery, ""},
		{"too long", SearchRequest{Query: strings.Repeat("x", 1001)}, ErrInvalidQuery, ""},
		{"control characters", SearchRequest{Query: "a\x00b"}, ErrInvalidQuery, ""},
		{"carriage return alone", SearchRequest{Query: "a\rb"}, nil, ""},
		{"zero-width characters only", SearchRequest{Query: "\u200b \ufeff\u2060\u200d\ufe0f"}, ErrInvalidQuery, ""},
		{"zero-width characters in a word", SearchRequest{Query: "می\u200cخواهم"}, nil, ""},
		{"not UTF-8", SearchRequest{Query: "a\xff"}, ErrInvalidQuery, ""},
		{"top_k 0", SearchRequest{Query: "x", TopK: new(0)}, ErrValidation, "top_k"},
		{"top_k over the maximum", SearchRequest{Query: "x", TopK: new(51)}, ErrValidation, "top_k"},
		{"offset negative", SearchRequest{Query: "x", Offset: -1}, ErrValidation, "offset"},
		{"offset too deep", SearchRequest{Query: "x", Offset: 196}, ErrValidation, "offset"},
		{"offset that overflows", SearchRequest{Query: "x", Offset: math.MaxInt}, ErrValidation, "offset"},
		{"semantic without a model", SearchRequest{Query: "x", Mode: ModeSemantic}, ErrValidation, "mode"},
		{"unknown mode", SearchRequest{Query: "x", Mode: "best"}, ErrValidation, "mode"},
		{"mode and use_hybrid", SearchRequest{Query: "x", Mode: ModeKeyword, UseHybrid: new(true)}, ErrValidation, "mode"},
		{"min_score with hybrid", SearchRequest{Query: "x", UseHybrid: new(true), MinScore: new(1.0)}, ErrValidation, "min_score"},
		{"filter without values", SearchRequest{Query: "x", Filter: Filter{"a": nil}}, ErrValidation, "filter.a"},
		{"filter without name", SearchRequest{Query: "x", Filter: Filter{"": {"a"}}}, ErrValidation, "filter"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.request.query("t", testSettings)
			checkFault(t, err, tt.kind, tt.field)
		})
	}
}

func TestAskRequest(t *testing.T) {
	tests := []struct {
		name    string
		request AskRequest
		field   string
	}{
		{"smallest", AskRequest{Query: "x"}, ""},
		{"everything", AskRequest{Query: "x", Model: ExtractiveModel, Temperature: new(2.0), MaxTokens: new(1024)}, ""},
		{"another model", AskRequest{Query: "x", Model: "other"}, "model"},
		{"temperature over 2", AskRequest{Query: "x", Temperature: new(2.1)}, "temperature"},
		{"temperature is not a number", AskRequest{Query: "x", Temperature: new(math.NaN())}, "temperature"},
		{"max_tokens 0", AskRequest{Query: "x", MaxTokens: new(0)}, "max_tokens"},
		{"max_tokens over the service's", AskRequest{Query: "x", MaxTokens: new(1025)}, "max_tokens"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.request.search("t", testSettings)
			var kind *Kind
			if tt.field != "" {
				kind = ErrValidation
			}
			checkFault(t, err, kind, tt.field)
		})
	}
}

func TestQueryIsNormal(t *testing.T) {
	q, err := SearchRequest{Query: " Cafe\u0301\r\nnoir\rau lait\r\n"}.query("t", testSettings)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Query{Tenant: "t", Text: "Café\nnoir\nau lait", TopK: 5, Mode: ModeKeyword}, q); diff != "" {
		t.Error(diff)
	}
}

func TestDocumentValidate(t *testing.T) {
	good := Document{ID: "a/b:c_d-1.md", Text: "x", Metadata: Metadata{"s": "v", "n": 1.5, "b": true, "l": []any{"a"}}}
	if err := good.Validate(); err != nil {
		t.Fatalf("a good document: %v", err)
	}
	for name, tt := range map[string]struct {
		change func(*Document)
		field  string
	}{
		"no id":                   {func(d *Document) { d.ID = "" }, "id"},
		"id with a space":         {func(d *Document) { d.ID = "a b" }, "id"},
		"id too long":             {func(d *Document) { d.ID = strings.Repeat("a", 257) }, "id"},
		"id climbs":               {func(d *Document) { d.ID = "a/../b" }, "id"},
		"empty segment":           {func(d *Document) { d.ID = "a//b" }, "id"},
		"no text":                 {func(d *Document) { d.Text = " \n\x00" }, "text"},
		"unseen text":             {func(d *Document) { d.Text = "\u200b \u2060\u00ad" }, "text"},
		"not UTF-8":               {func(d *Document) { d.Text = "a\xff" }, "text"},
		"long text":               {func(d *Document) { d.Text = strings.Repeat("a", MaxDocumentText+1) }, "text"},
		"long title":              {func(d *Document) { d.Title = strings.Repeat("a", MaxTitle+1) }, "title"},
		"language that is a name": {func(d *Document) { d.Language = "German" }, "language"},
		"language too long":       {func(d *Document) { d.Language = "de-" + strings.Repeat("abcde-", 6) + "a" }, "language"},
		"url that is a program":   {func(d *Document) { d.URL = "javascript:alert(1)" }, "url"},
		"nested metadata":         {func(d *Document) { d.Metadata = Metadata{"a": map[string]any{}} }, "metadata.a"},
		"null metadata":           {func(d *Document) { d.Metadata = Metadata{"a": nil} }, "metadata.a"},
		"array of numbers": {func(d *Document) { d.Metadata = Metadata{"a": []any{1.0}} },
			"metadata.a"},
		"long value": {func(d *Document) { d.Metadata = Metadata{"a": strings.Repeat("a", MaxMetadataValue+1)} }, "metadata.a"},
	} {
		t.Run(name, func(t *testing.T) {
			d := good
			tt.change(&d)
			checkFault(t, d.Validate(), ErrValidation, tt.field)
		})
	}
}

// checkFault asserts the kind of err and that field is among those named.
func checkFault(t *testing.T, err error, kind *Kind, field string) {
	t.Helper()
	if kind == nil {
		if err != nil {
			t.Fatalf("got %v, want no error", err)
		}
		return
	}
	if !errors.Is(err, kind) {
		t.Fatalf("got %v, want %s", err, kind.Code)
	}
	if field == "" {
		return
	}
	var e *Error
	errors.As(err, &e)
	for _, f := range e.Details["fields"].([]FieldError) {
		if f.Field == field {
			return
		}
	}
	t.Errorf("the error names %v, not %s", e.Details["fields"], field)
}
