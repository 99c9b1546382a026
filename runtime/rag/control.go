package rag

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"time"
)

// Token is a random name of a state of a tenant's documents. What was found under one is not served under another.
type Token string

// State is what a replica knows of a tenant's documents.
type State struct {
	// Token names the state; empty while nothing was read yet.
	Token Token
	// Confirmed says that the token was read recently enough to serve cached results under it. When it is not, LastConfirmed is
	// when it last was.
	Confirmed     bool
	LastConfirmed time.Time
	// Open says that a change is under way: what is found under the token may be out of date seconds later.
	Open bool
	// Index is the concrete index that is searched; a rebuilt index has another name.
	Index string
	// Answers name the answers that may be served.
	Answers *AnswerTokens
}

// Control is what replicas agree on: a document beside the documents, or a value in memory.
type Control interface {
	// Current is the state of the tenant's documents as this replica knows it. It asks nobody.
	Current(ctx context.Context, tenant string) State
	// Begin draws a new token for the tenant, which is open until every change that began has been published. It comes
	// before the first write of a change.
	Begin(ctx context.Context, tenant string) (Change, error)
	// Invalidate draws new tokens for cached results that are to be served no more.
	Invalidate(ctx context.Context, i Invalidation) error
	// Settle returns when every replica must have seen what this one published last.
	Settle(ctx context.Context) error
	// Lease runs work while this replica holds the lease of that name, and says whether it did: at once not when another
	// holds it. The lease is renewed while work runs, and released after it. A holder that was killed loses it when it was not renewed
	// for ttl. The context of work ends when the lease is lost.
	Lease(ctx context.Context, name string, ttl time.Duration, work func(context.Context) error) (held bool, err error)
}

// Change is a change of a tenant's documents under way. It ends with the first Publish that succeeds, or with Abandon.
type Change interface {
	// Publish draws a new token, after the refresh that made the change visible.
	Publish(ctx context.Context) error
	// Abandon leaves the change to be closed by any replica, about AbandonedAfter later. After Publish it does nothing.
	Abandon()
}

const (
	// AbandonedAfter is how long a change may be open without a sign of its writer. Then any replica refreshes the index
	// and publishes it: the writer was killed.
	AbandonedAfter = 20 * time.Second
	// maxTenantEntries bounds the tenants with a token of their own whose changes are all published: about 16 kB.
	maxTenantEntries = 200
)

// ControlDocument is the state that replicas agree on. It has a token of its own for tenants that changed lately and one
// for all others, so that it stays small with any number of tenants. Adapters keep it and change it as a whole.
type ControlDocument struct {
	// Index is the concrete index that holds the documents; Analyser and Embedding say how its content was made.
	Index     string `json:"index"`
	Analyser  string `json:"analyser"`
	Embedding string `json:"embedding,omitempty"`
	// Changes counts changes of this document.
	Changes int64 `json:"changes"`
	// Base is the token of tenants without an entry.
	Base Token `json:"base"`
	// Answers are the tokens of tenants whose entry has none.
	Answers *AnswerTokens `json:"answers,omitempty"`
	// Tenants are by TenantKey.
	Tenants map[string]TenantEntry `json:"tenants,omitempty"`
}

// TenantEntry is the state of one tenant's documents.
type TenantEntry struct {
	Token Token `json:"token"`
	// Answers are nil while none of the tenant alone were invalidated.
	Answers *AnswerTokens `json:"answers,omitempty"`
	// Changed is ControlDocument.Changes of the last change.
	Changed int64 `json:"changed"`
	// Writers are the changes under way: by id, how often each was renewed.
	Writers map[string]int64 `json:"writers,omitempty"`
}

// TenantKey is the name of a tenant in a ControlDocument: a hash, of a size that does not depend on the tenant.
func TenantKey(tenant string) string {
	sum := sha256.Sum256([]byte(tenant))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// NewControlDocument is the first document of an index.
func NewControlDocument(index, analyser string) ControlDocument {
	return ControlDocument{Index: index, Analyser: analyser, Base: newToken()}
}

func newToken() Token { return Token(rand.Text()) }

// State is the state of a tenant's documents. It is not confirmed: that is the reader's to say.
func (d *ControlDocument) State(tenant string) State {
	entry := d.entry(TenantKey(tenant))
	return State{Token: entry.Token, Open: len(entry.Writers) > 0, Index: d.Index, Answers: d.answers(entry)}
}

// entry is that of a tenant, or what stands for it.
func (d *ControlDocument) entry(tenantKey string) TenantEntry {
	if entry, ok := d.Tenants[tenantKey]; ok {
		return entry
	}
	return TenantEntry{Token: d.Base}
}

func (d *ControlDocument) answers(entry TenantEntry) *AnswerTokens {
	if entry.Answers != nil {
		return entry.Answers
	}
	return d.Answers
}

// Begin draws a new token for a tenant and opens it for a writer.
func (d *ControlDocument) Begin(tenantKey, writer string) {
	d.change(tenantKey, func(writers map[string]int64) { writers[writer] = 0 })
}

// Publish draws a new token for a tenant. The token stays open while there are other writers.
func (d *ControlDocument) Publish(tenantKey, writer string) {
	d.change(tenantKey, func(writers map[string]int64) { delete(writers, writer) })
}

func (d *ControlDocument) change(tenantKey string, change func(writers map[string]int64)) {
	d.Changes++
	entry := d.entry(tenantKey)
	writers := maps.Clone(entry.Writers)
	if writers == nil {
		writers = map[string]int64{}
	}
	change(writers)
	entry.Token, entry.Writers = newToken(), writers
	d.put(tenantKey, entry)
}

// put makes an entry the tenant's, as of this change.
func (d *ControlDocument) put(tenantKey string, entry TenantEntry) {
	if d.Tenants == nil {
		d.Tenants = map[string]TenantEntry{}
	}
	entry.Changed = d.Changes
	d.Tenants[tenantKey] = entry
	d.fold()
}

// Renew shows that a writer lives. A change that was closed meanwhile is opened again, under a new token: its writer goes
// on writing.
func (d *ControlDocument) Renew(tenantKey, writer string) {
	entry := d.Tenants[tenantKey]
	renewed, open := entry.Writers[writer]
	if !open {
		d.Begin(tenantKey, writer)
		return
	}
	d.Changes++
	entry.Writers[writer] = renewed + 1
}

// SwapIndex names another index. Every token is drawn anew with it, so that no result of the old index is served for the
// new one; changes under way stay open.
func (d *ControlDocument) SwapIndex(index, analyser, embedding string) {
	d.Changes++
	d.Index, d.Analyser, d.Embedding = index, analyser, embedding
	d.redraw()
}

// redraw draws every token of documents anew.
func (d *ControlDocument) redraw() {
	d.Base = newToken()
	maps.DeleteFunc(d.Tenants, func(_ string, e TenantEntry) bool { return len(e.Writers) == 0 && e.Answers == nil })
	for key, entry := range d.Tenants {
		entry.Token, entry.Changed = newToken(), d.Changes
		d.Tenants[key] = entry
	}
}

// fold drops the older half of the entries when there are too many, and draws new tokens for all tenants without one: a
// tenant whose entry went must not fall back to tokens that it had before. Entries with writers stay; their number is
// that of the uploads under way.
func (d *ControlDocument) fold() {
	if len(d.Tenants) <= maxTenantEntries {
		return
	}
	var closed []string
	for key, entry := range d.Tenants {
		if len(entry.Writers) == 0 {
			closed = append(closed, key)
		}
	}
	if len(closed) <= maxTenantEntries/2 {
		return
	}
	slices.SortFunc(closed, func(a, b string) int { return int(d.Tenants[a].Changed - d.Tenants[b].Changed) })
	for _, key := range closed[:len(closed)/2] {
		if d.Tenants[key].Answers != nil {
			d.Answers = &AnswerTokens{All: newToken()}
		}
		delete(d.Tenants, key)
	}
	d.Base = newToken()
}

// Clone shares nothing with d.
func (d *ControlDocument) Clone() ControlDocument {
	c := *d
	c.Tenants = maps.Clone(d.Tenants)
	for key, entry := range c.Tenants {
		entry.Writers = maps.Clone(entry.Writers)
		c.Tenants[key] = entry
	}
	return c
}
