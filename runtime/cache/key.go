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
	"strings"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// searchKey names what a query finds: search:{query_hash}:{top_k}:{use_hybrid}. The hash is over all else that the
// result depends on.
func searchKey(c *config.Config, q *rag.Query, state rag.State) string {
	f := newFields(make([]byte, 0, fieldsSize), "search/3")
	f = f.text(q.Tenant)
	f = f.texts(q.Readers) // administrators have none, others at least one
	f = f.text(q.Text)
	f = f.filter(q.Filter)
	f = f.text(string(q.Mode))
	f = f.number(q.Offset)
	f = f.optional(q.MinScore)
	f = f.text(state.Index)
	f = f.text(string(state.Token))
	f = f.number(c.Retrieval.Chunking.Words)
	f = f.number(c.Retrieval.Chunking.OverlapWords)
	key := append(appendPrefix(make([]byte, 0, keySize), c), "search:"...)
	key = append(f.appendSum(key), ':')
	key = append(strconv.AppendInt(key, int64(q.TopK), 10), ':')
	return string(strconv.AppendBool(key, q.Mode == rag.ModeHybrid))
}

// answerKey names what a model writes for a prompt: llm:{query_hash}:{model}:{temperature}. It holds no token of the documents:
// other passages, or other contents of the same, are another key. The tokens change when answers are invalidated.
func answerKey(c *config.Config, p *rag.Prompt, tokens *rag.AnswerTokens) string {
	f := newFields(make([]byte, 0, fieldsSize), "llm/3")
	f = f.text(p.Tenant)
	f = f.texts(p.Readers)
	f = f.text(p.Query)
	f = f.text(rag.PromptVersion)
	f = f.number(len(p.Passages))
	for _, chunk := range p.Passages { // in order: [1], [2], ... name them
		f = f.text(chunk.ID)
		f = f.text(chunk.ContentHash)
		f = f.text(string(tokens.Document(chunk.DocumentID)))
	}
	f = f.text(string(tokens.Tenant()))
	f = f.number(p.MaxTokens)
	f = f.text(p.BaseURL)
	key := append(appendPrefix(make([]byte, 0, keySize), c), "llm:"...)
	key = append(f.appendSum(key), ':')
	key = append(append(key, part(p.Model)...), ':')
	return string(strconv.AppendFloat(key, p.Temperature, 'g', -1, 64))
}

// documentKey names the set of keys whose entries hold text of a document. The spec's generation is no part of it:
// a deletion unlinks what earlier ones left, too.
func documentKey(s *config.Service, tenant, documentID string) string {
	f := newFields(make([]byte, 0, fieldsSize), "document/1")
	f = f.text(tenant)
	f = f.text(documentID)
	return string(f.appendSum(append(appendService(make([]byte, 0, keySize), s), "document:"...)))
}

// tenantKey names the set of keys of a tenant's entries, tenantsKey the set of such sets.
func tenantKey(s *config.Service, tenant string) string {
	f := newFields(make([]byte, 0, fieldsSize), "tenant/1").text(tenant)
	return string(f.appendSum(append(appendService(make([]byte, 0, keySize), s), "tenant:"...)))
}

func tenantsKey(s *config.Service) string {
	return string(append(appendService(make([]byte, 0, keySize), s), "tenants"...))
}

// kindOf is the kind of a result by its key, whose third part it is.
func kindOf(key string) rag.CacheKind {
	if parts := strings.SplitN(key, ":", 5); len(parts) == 5 {
		return rag.CacheKind(parts[3])
	}
	return ""
}

// Room for what a key is the hash of, and for a key, without an allocation. More than that is allocated.
const (
	fieldsSize = 1024
	keySize    = 256
)

// appendPrefix appends rag:<namespace>/<name>:<spec generation>:, so that raising the generation leaves all entries behind.
func appendPrefix(key []byte, c *config.Config) []byte {
	return append(strconv.AppendInt(appendService(key, &c.Service), c.Cache.Generation, 10), ':')
}

// appendService appends rag:<namespace>/<name>:.
func appendService(key []byte, s *config.Service) []byte {
	key = append(key, "rag:"...)
	key = append(append(key, part(s.Namespace)...), '/')
	return append(append(key, part(s.Name)...), ':')
}

// part is a text as a part of a key, percent-encoded: llama3.2:1b holds the colon that separates parts.
func part(s string) string { return url.QueryEscape(s) }

// fields are what a key is the hash of. Each goes in with its length before it, so that no two lists are the same bytes.
type fields []byte

// newFields starts a version of a list of fields in room. Whoever changes the list changes the version.
func newFields(room []byte, version string) fields {
	return fields(room).text(version)
}

func (f fields) text(s string) fields {
	return append(f.number(len(s)), s...)
}

func (f fields) texts(list []string) fields {
	f = f.number(len(list))
	for _, s := range list {
		f = f.text(s)
	}
	return f
}

func (f fields) number(n int) fields {
	return binary.BigEndian.AppendUint64(f, uint64(n)) //nolint:gosec // negative numbers are other numbers, no worse
}

func (f fields) optional(n *float64) fields {
	if n == nil {
		return f.number(0)
	}
	return binary.BigEndian.AppendUint64(f.number(1), math.Float64bits(*n))
}

// filter adds a filter, sorted by field. A chunk passes with any of the values of each: their order means nothing.
func (f fields) filter(filter rag.Filter) fields {
	f = f.number(len(filter))
	if len(filter) == 0 {
		return f
	}
	for _, field := range slices.Sorted(maps.Keys(filter)) {
		f = f.text(field)
		f = f.texts(slices.Compact(slices.Sorted(slices.Values(filter[field]))))
	}
	return f
}

// appendSum appends the SHA-256 in hexadecimal.
func (f fields) appendSum(key []byte) []byte {
	hash := sha256.Sum256(f)
	return hex.AppendEncode(key, hash[:])
}
