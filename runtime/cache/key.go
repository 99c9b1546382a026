package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// searchKey names what a query finds: search:{query_hash}:{top_k}:{use_hybrid}. The hash is over all else that the
// result depends on.
func searchKey(c config.Config, q rag.Query, state rag.State) string {
	f := newFields("search/2")
	f.text(q.Tenant)
	f.text(q.Text)
	f.number(len(q.Filter))
	for _, field := range slices.Sorted(maps.Keys(q.Filter)) {
		f.text(field)
		f.texts(slices.Compact(slices.Sorted(slices.Values(q.Filter[field])))) // any of them: order means nothing
	}
	f.text(string(q.Mode))
	f.number(q.Offset)
	f.optional(q.MinScore)
	f.text(state.Index)
	f.text(string(state.Token))
	f.number(c.Retrieval.Chunking.Words)
	f.number(c.Retrieval.Chunking.OverlapWords)
	return prefix(c) + "search:" + f.sum() + ":" + strconv.Itoa(q.TopK) + ":" + strconv.FormatBool(q.Mode == rag.ModeHybrid)
}

// answerKey names what a model writes for a prompt: llm:{query_hash}:{model}:{temperature}. It holds no token:
// other passages, or other contents of the same, are another key.
func answerKey(c config.Config, p rag.Prompt) string {
	f := newFields("llm/1")
	f.text(p.Tenant)
	f.text(p.Query)
	f.text(rag.PromptVersion)
	f.number(len(p.Passages))
	for _, chunk := range p.Passages { // in order: [1], [2], ... name them
		f.text(chunk.ID)
		f.text(chunk.ContentHash)
	}
	f.number(p.MaxTokens)
	f.text(p.BaseURL)
	return prefix(c) + "llm:" + f.sum() + ":" + part(p.Model) + ":" + strconv.FormatFloat(p.Temperature, 'g', -1, 64)
}

// documentKey names the set of keys whose entries hold text of a document. The spec's generation is no part of it:
// a deletion unlinks what earlier ones left, too.
func documentKey(s config.Service, tenant, documentID string) string {
	f := newFields("document/1")
	f.text(tenant)
	f.text(documentID)
	return servicePrefix(s) + "document:" + f.sum()
}

// prefix is rag:<namespace>/<name>:<spec generation>:, so that raising the generation leaves all entries behind.
func prefix(c config.Config) string {
	return servicePrefix(c.Service) + strconv.FormatInt(c.Cache.Generation, 10) + ":"
}

func servicePrefix(s config.Service) string {
	return "rag:" + part(s.Namespace) + "/" + part(s.Name) + ":"
}

// part is a text as a part of a key, percent-encoded: llama3.2:1b holds the colon that separates parts.
func part(s string) string { return url.QueryEscape(s) }

// fields are what a key is the hash of. Each goes in with its length before it, so that no two lists are the same bytes.
type fields []byte

// newFields starts a version of a list of fields. Whoever changes the list changes the version.
func newFields(version string) *fields {
	f := make(fields, 0, 512)
	f.text(version)
	return &f
}

func (f *fields) text(s string) {
	f.number(len(s))
	*f = append(*f, s...)
}

func (f *fields) texts(list []string) {
	f.number(len(list))
	for _, s := range list {
		f.text(s)
	}
}

func (f *fields) number(n int) {
	*f = binary.BigEndian.AppendUint64(*f, uint64(n)) //nolint:gosec // negative numbers are other numbers, no worse
}

func (f *fields) optional(n *float64) {
	if n == nil {
		f.number(0)
		return
	}
	f.number(1)
	*f = binary.BigEndian.AppendUint64(*f, math.Float64bits(*n))
}

// sum is the SHA-256 in hexadecimal.
func (f *fields) sum() string {
	hash := sha256.Sum256(*f)
	return hex.EncodeToString(hash[:])
}
