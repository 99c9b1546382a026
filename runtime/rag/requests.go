package rag

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds of requests.
const (
	// MaxQueryLength is the longest query, in characters after trimming.
	MaxQueryLength = 1000
	// MaxWindow bounds offset + top_k: the engines look no deeper.
	MaxWindow = 200
	// MaxFilterFields and MaxFilterValues bound a filter.
	MaxFilterFields = 16
	MaxFilterValues = 64
)

// SearchRequest is a search as a caller wrote it; pointers tell "not given" from zero.
type SearchRequest struct {
	Query     string
	TopK      *int
	Offset    int
	UseHybrid *bool
	Mode      Mode
	Filter    Filter
	MinScore  *float64
}

// AskRequest is a question as a caller wrote it.
type AskRequest struct {
	Query       string
	TopK        *int
	UseHybrid   *bool
	Mode        Mode
	Filter      Filter
	Model       string
	Temperature *float64
	MaxTokens   *int
}

// RequestOptions are what the caller of the pipeline adds to a request; the zero value admits everything.
type RequestOptions struct {
	// Enter waits for the turn of a valid request among all that the server works on; nil for no wait.
	Enter func(ctx context.Context) error
	// Admit decides whether a valid request may go on: it is where the limits are taken. It is called after Enter, exactly once for a
	// request that is valid, never for one that is not, and before any work; it may be while the cache is looked up. It returns before
	// the request ends. An error of it, or of Enter, ends the request and is returned. Nil admits.
	Admit func(ctx context.Context, cache CacheInfo) error
	// AdmitLate has Enter and Admit called when the cache was looked up, and Admit told how it will serve the request: HIT when both
	// passages and answer are there. Else it is told the zero value.
	AdmitLate bool
	// NoCache has passages and answer made anew.
	NoCache bool
}

// SearchResult is what a search found, with the query as it was read.
type SearchResult struct {
	Query string
	Retrieval
}

// StreamMeta is what is known of an answer before its first token.
type StreamMeta struct {
	Query      string
	ChunksUsed int
	Mode       Mode
	Degraded   bool
	Model      string
	// Cache is the outcome for the answer.
	Cache CacheInfo
}

// StreamEvents receives an answer as it is written. An error of any of them ends the work and is returned.
type StreamEvents struct {
	// Meta is called once, when retrieval is done and before the first token. Nil means that the caller waits for the
	// whole answer: the model's timeout then bounds all of it, not only the wait for the first token.
	Meta     func(StreamMeta) error
	Token    func(text string) error
	Citation func(Citation) error
}

// query builds the Query of a search, or says which fields are wrong.
func (r SearchRequest) query(tenant string, s Settings) (Query, error) {
	q, faults, err := r.check(tenant, s)
	if err == nil && len(faults) > 0 {
		err = Invalid(faults...)
	}
	if err != nil {
		return Query{}, err
	}
	return q, nil
}

// check builds the Query of a search, and tells which fields are wrong; a query that cannot be read is an error.
func (r SearchRequest) check(tenant string, s Settings) (Query, []FieldError, error) {
	text, err := readQuery(r.Query)
	if err != nil {
		return Query{}, nil, err
	}
	var faults []FieldError
	topK := s.Retrieval.TopK
	if r.TopK != nil {
		topK = *r.TopK
	}
	if topK < 1 || topK > s.Retrieval.MaxTopK {
		faults = append(faults, FieldError{"top_k", fmt.Sprintf("must be between 1 and %d", s.Retrieval.MaxTopK)})
	}
	switch {
	case r.Offset < 0:
		faults = append(faults, FieldError{"offset", "must not be negative"})
	case r.Offset > MaxWindow || r.Offset+topK > MaxWindow:
		faults = append(faults, FieldError{"offset", fmt.Sprintf("and top_k together must be at most %d", MaxWindow)})
	}
	mode, fault := readMode(r.Mode, r.UseHybrid)
	if fault != nil {
		faults = append(faults, *fault)
	}
	if r.MinScore != nil && (r.Mode == ModeHybrid || r.UseHybrid != nil && *r.UseHybrid) {
		faults = append(faults, FieldError{"min_score", "has no meaning for hybrid search: use mode keyword"})
	}
	faults = append(faults, checkFilter(r.Filter)...)
	q := Query{Tenant: tenant, Text: text, TopK: topK, Offset: r.Offset, Mode: mode, Filter: r.Filter, MinScore: r.MinScore}
	return q, faults, nil
}

// search is the search that an ask begins with, with the answer's own fields checked.
func (r AskRequest) search(tenant string, s Settings) (Query, error) {
	q, faults, err := SearchRequest{Query: r.Query, TopK: r.TopK, UseHybrid: r.UseHybrid, Mode: r.Mode, Filter: r.Filter}.check(tenant, s)
	if err != nil {
		return Query{}, err
	}
	if r.Model != "" && r.Model != s.ModelName() {
		faults = append(faults, FieldError{"model", "is not one that this service offers: " + s.ModelName()})
	}
	if r.Temperature != nil && !(*r.Temperature >= 0 && *r.Temperature <= 2) {
		faults = append(faults, FieldError{"temperature", "must be between 0 and 2"})
	}
	if r.MaxTokens != nil && (*r.MaxTokens < 1 || *r.MaxTokens > s.MaxTokens()) {
		faults = append(faults, FieldError{"max_tokens", fmt.Sprintf("must be between 1 and %d", s.MaxTokens())})
	}
	if len(faults) > 0 {
		return Query{}, Invalid(faults...)
	}
	return q, nil
}

// newlines are those of a form or an editor of Windows, and of an old Macintosh.
var newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// isSeen says whether a reader sees r: it is no space and no control character, and takes more than no width.
func isSeen(r rune) bool {
	if unicode.Is(unicode.Prepended_Concatenation_Mark, r) {
		return true // of Cf, but written
	}
	return !unicode.IsSpace(r) && !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// isForbidden says whether r may not be in what callers write: control characters but newline and tab.
func isForbidden(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

// readQuery is the query in NFC and trimmed, so that the same question is the same key.
func readQuery(raw string) (string, error) {
	if !utf8.ValidString(raw) {
		return "", invalidQuery("query must be valid UTF-8")
	}
	if strings.Contains(raw, "\r") { // a replacer copies also what it leaves alone
		raw = newlines.Replace(raw)
	}
	if strings.ContainsFunc(raw, isForbidden) {
		return "", invalidQuery("query must not contain control characters other than newline and tab")
	}
	text := norm.NFC.String(strings.TrimSpace(raw))
	switch n := utf8.RuneCountInString(text); {
	case !strings.ContainsFunc(text, isSeen):
		return "", invalidQuery("query must not be empty")
	case n > MaxQueryLength:
		return "", invalidQuery(fmt.Sprintf("query must have at most %d characters, not %d", MaxQueryLength, n))
	}
	return text, nil
}

func invalidQuery(message string) error {
	return &Error{Kind: ErrInvalidQuery, Message: message, Details: map[string]any{"max_length": MaxQueryLength}}
}

// readMode resolves mode and use_hybrid. Without an embedding model hybrid search answers by keyword and says so, and
// semantic search is refused.
func readMode(mode Mode, useHybrid *bool) (Mode, *FieldError) {
	if mode != "" && useHybrid != nil {
		return "", &FieldError{"mode", "and use_hybrid exclude each other: give one"}
	}
	switch mode {
	case "", ModeKeyword, ModeHybrid:
		return ModeKeyword, nil
	case ModeSemantic:
		return "", &FieldError{"mode", "semantic needs an embedding model, which this service does not have"}
	default:
		return "", &FieldError{"mode", "must be keyword, semantic or hybrid, not " + strconv.Quote(string(mode))}
	}
}

func checkFilter(f Filter) []FieldError {
	if len(f) == 0 {
		return nil // as almost always: sorting nothing allocates
	}
	var faults []FieldError
	if len(f) > MaxFilterFields {
		faults = append(faults, FieldError{"filter", fmt.Sprintf("must name at most %d fields", MaxFilterFields)})
	}
	for _, field := range slices.Sorted(maps.Keys(f)) {
		values := f[field]
		switch {
		case field == "" || len(field) > MaxMetadataField:
			faults = append(faults, FieldError{"filter", fmt.Sprintf("field names must have 1 to %d bytes", MaxMetadataField)})
		case len(values) == 0 || len(values) > MaxFilterValues:
			faults = append(faults, FieldError{"filter." + field, fmt.Sprintf("must list 1 to %d values", MaxFilterValues)})
		}
	}
	return faults
}
