package rag

import (
	"time"
)

// DefaultTenant owns the documents of callers without a tenant.
const DefaultTenant = "default"

// Role is what a caller may do.
type Role string

// Roles.
const (
	// RoleClient may search and ask.
	RoleClient Role = "client"
	// RoleAdmin may also write and delete documents.
	RoleAdmin Role = "admin"
)

// Identity is who a request comes from.
type Identity struct {
	// Name stands for the caller in logs and names its buckets: the key's name, or an HMAC of the address.
	Name   string
	Tier   string
	Tenant string
	// AllTenants says of an administrator that no tenant bounds, and who has named none, that what is done for all tenants may be done.
	AllTenants bool
	Role       Role
	// Groups are those in whose name the caller finds documents.
	Groups []string
}

// Mode is how passages are found.
type Mode string

// Modes.
const (
	// ModeKeyword ranks by words (BM25).
	ModeKeyword Mode = "keyword"
	// ModeSemantic ranks by vectors; it needs an embedding model.
	ModeSemantic Mode = "semantic"
	// ModeHybrid fuses both.
	ModeHybrid Mode = "hybrid"
)

// Span is a part of a document's text in characters (Unicode code points): from Start up to, not including, End.
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Metadata is a flat object: strings, numbers, booleans and arrays of strings.
type Metadata map[string]any

// Document is a text that answers are drawn from.
type Document struct {
	ID       string   `json:"id"`
	Title    string   `json:"title,omitempty"`
	URL      string   `json:"url,omitempty"`
	Text     string   `json:"text"`
	Metadata Metadata `json:"metadata,omitempty"`
	// Language is a BCP 47 tag; empty means that it is told by the text.
	Language string `json:"language,omitempty"`
	// Access is who may find the document; nil for everybody of the tenant.
	Access *Access `json:"access,omitempty"`
}

// Chunk is a passage of a document: what is indexed, found and cited.
type Chunk struct {
	// ID is deterministic: <document id>#<position>.
	ID         string `json:"chunk_id"`
	DocumentID string `json:"document_id"`
	Title      string `json:"title,omitempty"`
	URL        string `json:"url,omitempty"`
	// Heading is the path of headings that the passage stands under, outermost first, joined by " > "; empty when it
	// begins with its own heading or when the document has none.
	Heading string `json:"heading,omitempty"`
	Text    string `json:"text"`
	Span    Span   `json:"span"`
	// Units are the parts of Text that answers quote.
	Units    Units    `json:"units,omitempty"`
	Metadata Metadata `json:"metadata,omitempty"`
	// Language is the document's.
	Language string `json:"language,omitempty"`
	// ContentHash is the SHA-256 of what an answer can draw from: title, URL, heading and text.
	ContentHash string `json:"content_hash"`
}

// Hit is a chunk that was found. Scores compare within one answer only.
type Hit struct {
	Chunk
	Score float64 `json:"score"`
}

// Filter narrows a search to chunks whose metadata has, for every field, one of the values.
type Filter map[string][]string

// Query is a search within a tenant's documents. Text is NFC, trimmed, plain text and never operators.
type Query struct {
	Tenant string
	// Readers are Identity.Readers of who searches.
	Readers  []string
	Text     string
	TopK     int
	Offset   int
	Mode     Mode
	Filter   Filter
	MinScore *float64
	// Cache is how the result is served, and no part of what is asked.
	Cache CacheUse
}

// Retrieval is what a Query found.
type Retrieval struct {
	// Hits are TopK at most, from Offset on, best first.
	Hits []Hit `json:"hits"`
	// Total is the size of the list that Hits are a page of.
	Total int `json:"total"`
	// Mode is what was really done.
	Mode Mode `json:"mode"`
	// Degraded says that a leg of the search was lost. Such a result is never cached.
	Degraded bool `json:"degraded,omitempty"`
	// Statistics are of the terms of the query, for choosing sentences of the hits.
	Statistics Statistics `json:"statistics,omitzero"`
	// Cache tells where the result came from; adapters of stores leave it alone.
	Cache CacheInfo `json:"-"`
}

// MaxStatistics bounds the terms of a query that are counted.
const MaxStatistics = 128

// Statistics say how rare the terms of a query are among the chunks that it could find: the tenant's that pass its filter.
type Statistics struct {
	// Chunks is how many such chunks there are.
	Chunks int `json:"chunks"`
	// Holding is for each term of the query (terms.Term.Text) in how many of these it is, in their text. A term that no
	// chunk holds is missing, and so are those after the first MaxStatistics.
	Holding map[string]int `json:"holding,omitempty"`
}

// CacheOutcome is how the cache served a result, as X-Cache says it.
type CacheOutcome string

// Outcomes.
const (
	CacheHit  CacheOutcome = "HIT"
	CacheMiss CacheOutcome = "MISS"
	// CacheStale is an expired result, or one that may be out of date: what newer ones are made by is down.
	CacheStale  CacheOutcome = "STALE"
	CacheBypass CacheOutcome = "BYPASS"
)

// CacheInfo is how the cache served a result and how old it is.
type CacheInfo struct {
	Outcome CacheOutcome
	Age     time.Duration
	// Layer is where a HIT or STALE result came from, as metrics name it: local, coalesced, redis.
	Layer string
	// Fallback says of a result that is yet to be made that there is an expired one, which is served as STALE if it cannot be.
	Fallback bool
	// Cause is why a STALE result was served.
	Cause error
}

// CacheUse is how a request wants to be served; the zero value takes what the cache has.
type CacheUse struct {
	// NoCache has the result made anew, and kept for others (RFC 9111, section 5.2.1.4).
	NoCache bool
	// Serving is told how the cache will serve the request, once it has looked and before any work. After a MISS with
	// Fallback it may be told STALE, before the first piece. An error of it ends the request and is returned. Nil is told
	// nothing.
	Serving func(CacheInfo) error
	// Waiting is told that the cache begins to wait for what servers share: what Serving decides may begin meanwhile. Nil is told nothing.
	Waiting func()
	// Queued says that Serving may have the request wait for its turn: the cache claims no work for it before.
	Queued bool
}

// Tell tells Serving, if there is one.
func (u CacheUse) Tell(info CacheInfo) error {
	if u.Serving == nil {
		return nil
	}
	return u.Serving(info)
}

// Prompt is all that an answer depends on.
type Prompt struct {
	Tenant string
	// Readers are those of the query. The passages are what they may read.
	Readers []string
	// Query is NFC and trimmed.
	Query string
	// Passages in the order in which [1], [2], ... name them.
	Passages []Chunk
	// Statistics tell how rare the terms of the query are. Answers are kept without regard to them.
	Statistics  Statistics
	Model       string
	Temperature float64
	// MaxTokens bounds the answer.
	MaxTokens int
	// BaseURL tells models of the same name apart.
	BaseURL string
	// Whole says that nobody reads the answer before its end: no piece is told before it is known to be good.
	Whole bool
	// Cache is how the answer is served, and no part of what is asked.
	Cache CacheUse
}

// Piece is a token of an answer as the generator wrote it, with the citations that it completes.
type Piece struct {
	Text string `json:"text"`
	// Citations have no Score: that is of the retrieval that found the passage, and the answer outlives it.
	Citations []Citation `json:"citations,omitempty"`
}

// FinishReasons of an answer that ended by itself, or at the prompt's MaxTokens.
const (
	FinishStop   = "stop"
	FinishLength = "length"
)

// Completion is what a generator wrote.
type Completion struct {
	// Pieces in the order in which they were written; their concatenation is the answer. They are kept apart so that a
	// cached answer streams as the first one did.
	Pieces []Piece `json:"pieces"`
	// Model is the one that wrote, which need not be the prompt's.
	Model string `json:"model"`
	// FinishReason is FinishStop, FinishLength or the model's own word.
	FinishReason string `json:"finish_reason"`
	Usage        Usage  `json:"usage"`
	// HoldsThought says that what the model thought stands before the answer. Such an answer is not kept.
	HoldsThought bool `json:"-"`
	// Fallback is which of the models that stand in for the prompt's has written it, perhaps by the same name at another address: the first
	// is 1. Such an answer is not kept. 0 is the prompt's own.
	Fallback int `json:"-"`
	// LeftOut is how many of the prompt's passages, the last ones, that model had no room for.
	LeftOut int `json:"-"`
	// Cache tells where the completion came from; generators leave it alone.
	Cache CacheInfo `json:"-"`
}

// Usage is what an answer took.
type Usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	// CostUSD is what the tokens cost; it is not kept with an answer, since prices change.
	CostUSD float64 `json:"cost_usd,omitempty"`
}

// Citation is a place in a document that supports a part of an answer.
type Citation struct {
	// Marker is the n of [n] in the answer.
	Marker     int     `json:"marker"`
	ChunkID    string  `json:"chunk_id"`
	DocumentID string  `json:"document_id"`
	Title      string  `json:"title,omitempty"`
	URL        string  `json:"url,omitempty"`
	Score      float64 `json:"score"`
	Span       Span    `json:"span"`
	// Quote is the text of Span.
	Quote string `json:"quote"`
}

// Answer is an answer with what supports it.
type Answer struct {
	Query        string
	Text         string
	Citations    []Citation
	Sources      []string
	ChunksUsed   int
	Mode         Mode
	Degraded     bool
	Model        string
	Usage        Usage
	FinishReason string
	// Cached says that no model wrote it for this request.
	Cached bool
	// Saved is what a cached answer would have taken.
	Saved Usage
	// Instead is why the model did not write it, and the extractor did; nil for other answers.
	Instead error
	// Cache is how the cache served the answer; STALE if the passages, or it, were.
	Cache CacheInfo
}
