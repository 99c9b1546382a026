package rag

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
)

// CacheKind is a kind of cached result.
type CacheKind string

// Kinds of cached results.
const (
	CacheSearch    CacheKind = "search"
	CacheEmbedding CacheKind = "embedding"
	CacheLLM       CacheKind = "llm"
)

// CacheKinds are all kinds.
func CacheKinds() []CacheKind { return []CacheKind{CacheSearch, CacheEmbedding, CacheLLM} }

// Invalidation says which cached results are to be served no more.
type Invalidation struct {
	// Kind leaves out results of other kinds; empty leaves out none.
	Kind CacheKind
	// Tenant is whose results; with AllTenants everybody's.
	Tenant     string
	AllTenants bool
	// DocumentID leaves out results without text of that document of the tenant; empty leaves out none.
	DocumentID string
}

// Of reports whether results of a kind are meant.
func (i Invalidation) Of(kind CacheKind) bool { return i.Kind == "" || i.Kind == kind }

// Forgetter drops cached results, as far as the cache can be reached: entries that stay can no longer be found by any request,
// and end with their TTL.
type Forgetter interface {
	// Forget returns how many results it has dropped.
	Forget(ctx context.Context, i Invalidation) map[CacheKind]int
}

// AnswerTokens name the answers of a tenant that may be served: those that were written under other tokens may not. Nil is the
// state before the first invalidation. It is not changed once it was made.
type AnswerTokens struct {
	All Token `json:"all,omitempty"`
	// Documents are tokens of answers from those documents whose slot is a key. A slot is one of 256 that documents share by hash:
	// invalidating a document takes the answers from a 256th of all with it. When more than maxSlots have one, All is drawn anew instead.
	Documents map[string]Token `json:"documents,omitempty"`
}

// Tenant is the token of all answers of the tenant.
func (a *AnswerTokens) Tenant() Token {
	if a == nil {
		return ""
	}
	return a.All
}

// Document is the token of answers from a document.
func (a *AnswerTokens) Document(id string) Token {
	if a == nil || len(a.Documents) == 0 {
		return ""
	}
	return a.Documents[documentSlot(id)]
}

// maxSlots bounds the tokens of a tenant in the control document, which every replica reads four times a second: half a kilobyte.
const maxSlots = 16

func (a *AnswerTokens) withDocument(id string) *AnswerTokens {
	next := AnswerTokens{All: a.Tenant(), Documents: map[string]Token{}}
	if a != nil {
		maps.Copy(next.Documents, a.Documents)
	}
	next.Documents[documentSlot(id)] = newToken()
	if len(next.Documents) > maxSlots {
		return &AnswerTokens{All: newToken()}
	}
	return &next
}

func documentSlot(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:1])
}

// Invalidate draws new tokens for what is meant. Changes under way stay open.
func (d *ControlDocument) Invalidate(i Invalidation) {
	d.Changes++
	if i.AllTenants {
		d.invalidateAll(i)
		return
	}
	entry := d.entry(TenantKey(i.Tenant))
	if i.Of(CacheSearch) {
		entry.Token = newToken()
	}
	switch {
	case !i.Of(CacheLLM):
	case i.DocumentID != "":
		entry.Answers = d.answers(entry).withDocument(i.DocumentID)
	default:
		entry.Answers = &AnswerTokens{All: newToken()}
	}
	d.put(TenantKey(i.Tenant), entry)
}

func (d *ControlDocument) invalidateAll(i Invalidation) {
	if i.Of(CacheSearch) {
		d.redraw()
	}
	if !i.Of(CacheLLM) {
		return
	}
	d.Answers = &AnswerTokens{All: newToken()}
	for key, entry := range d.Tenants {
		entry.Answers = nil
		d.Tenants[key] = entry
	}
}

// InvalidateRequest is an invalidation as a caller wrote it. At least one field is given.
type InvalidateRequest struct {
	Kind       CacheKind
	DocumentID string
	Tenant     string
	All        bool
}

// Invalidate has results served no more by any replica, and drops them. It answers how many entries were dropped, by kind: of the
// shared cache, or of this replica's memory when there is none.
func (s *Service) Invalidate(ctx context.Context, id Identity, r InvalidateRequest) (map[CacheKind]int, error) {
	i, err := r.invalidation(id)
	if err != nil {
		return nil, err
	}
	s.background.Add(1)
	defer s.background.Done()
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if err := s.Control.Invalidate(detached, i); err != nil {
		return nil, err
	}
	dropped := s.Forgetter.Forget(detached, i)
	return dropped, s.Control.Settle(ctx)
}

// invalidation is what the request means when id makes it.
func (r InvalidateRequest) invalidation(id Identity) (Invalidation, error) {
	i := Invalidation{Kind: r.Kind, Tenant: id.Tenant, AllTenants: r.All && id.AllTenants, DocumentID: r.DocumentID}
	switch {
	case r == InvalidateRequest{}:
		return i, Invalid(FieldError{Field: "all", Reason: "must be true, or one of kind, document_id and tenant be given"})
	case r.Kind != "" && r.Kind != CacheSearch && r.Kind != CacheEmbedding && r.Kind != CacheLLM:
		return i, Invalid(FieldError{Field: "kind", Reason: "must be search, embedding or llm"})
	case r.All && (r.DocumentID != "" || r.Tenant != ""):
		return i, Invalid(FieldError{Field: "all", Reason: "must not be true beside document_id or tenant"})
	}
	if r.DocumentID != "" {
		if fault := checkDocumentID(r.DocumentID); fault != nil {
			return i, Invalid(FieldError{Field: "document_id", Reason: fault.Reason})
		}
	}
	if r.Tenant != "" && r.Tenant != id.Tenant {
		if !id.AllTenants {
			return i, &Error{Kind: ErrForbidden, Message: "only an administrator without a tenant may name one"}
		}
		i.Tenant = r.Tenant
		return i, ValidateTenant(r.Tenant)
	}
	return i, nil
}
