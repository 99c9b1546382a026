package rag

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestInvalidationChangesTheTokensOfWhatIsMeant and no others: those name what may be served.
func TestInvalidationChangesTheTokensOfWhatIsMeant(t *testing.T) {
	otherSlot := "b"
	for i := 0; documentSlot(otherSlot) == documentSlot("a"); i++ {
		otherSlot = "b" + strconv.Itoa(i)
	}
	tokens := func(d *ControlDocument) map[string]Token {
		all := map[string]Token{}
		for _, tenant := range []string{"mine", "other"} {
			state := d.State(tenant)
			all[tenant+" searches"] = state.Token
			all[tenant+" answers"] = state.Answers.Tenant()
			all[tenant+" answers from a"] = state.Answers.Document("a")
			all[tenant+" answers from b"] = state.Answers.Document(otherSlot)
		}
		return all
	}
	mine := []string{"mine searches", "mine answers"}
	for name, tt := range map[string]struct {
		do   Invalidation
		want []string
	}{
		"a tenant's":            {Invalidation{Tenant: "mine"}, mine},
		"a tenant's searches":   {Invalidation{Tenant: "mine", Kind: CacheSearch}, []string{"mine searches"}},
		"a tenant's answers":    {Invalidation{Tenant: "mine", Kind: CacheLLM}, []string{"mine answers"}},
		"a tenant's embeddings": {Invalidation{Tenant: "mine", Kind: CacheEmbedding}, nil},
		"a document's":          {Invalidation{Tenant: "mine", DocumentID: "a"}, []string{"mine searches", "mine answers from a"}},
		"a document's answers":  {Invalidation{Tenant: "mine", DocumentID: "a", Kind: CacheLLM}, []string{"mine answers from a"}},
		"all":                   {Invalidation{AllTenants: true, Tenant: "mine"}, append(mine, "other searches", "other answers")},
		"all answers":           {Invalidation{AllTenants: true, Kind: CacheLLM}, []string{"mine answers", "other answers"}},
		"all searches":          {Invalidation{AllTenants: true, Kind: CacheSearch}, []string{"mine searches", "other searches"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := NewControlDocument("i", "1")
			d.Begin(TenantKey("mine"), "w")
			for range 2 { // the second time from tokens that an earlier one has drawn
				before := tokens(&d)
				kept := d.Clone()
				d.Invalidate(tt.do)
				after := tokens(&d)
				var changed []string
				for _, what := range slices.Sorted(maps.Keys(after)) {
					if after[what] != before[what] {
						changed = append(changed, what)
					}
				}
				if diff := cmp.Diff(slices.Sorted(slices.Values(tt.want)), slices.Sorted(slices.Values(changed))); diff != "" {
					t.Errorf("changed (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(before, tokens(&kept)); diff != "" {
					t.Errorf("a clone changed with it:\n%s", diff)
				}
				if !d.State("mine").Open {
					t.Error("a change under way was closed")
				}
			}
		})
	}
}

// An invalidation of all tenants takes with it what was drawn for one of them, and none of them falls back to earlier tokens.
func TestNoTenantFallsBackToAnswersOfBefore(t *testing.T) {
	d := NewControlDocument("i", "1")
	d.Invalidate(Invalidation{Tenant: "mine", DocumentID: "a"})
	seen := map[Token]bool{"": true, d.State("mine").Answers.Tenant(): true}
	next := func(what string) {
		t.Helper()
		if now := d.State("mine").Answers.Tenant(); seen[now] {
			t.Errorf("%s: the tenant is at %q, where it was before", what, now)
		} else {
			seen[now] = true
		}
	}
	d.Invalidate(Invalidation{AllTenants: true})
	next("all were invalidated")
	d.Invalidate(Invalidation{Tenant: "mine"})
	next("the tenant's were")
	for i := range 3 * maxTenantEntries { // the entry is dropped
		d.Publish(TenantKey(strconv.Itoa(i)), "w")
	}
	next("its entry was dropped")
	before := d.State("mine").Answers
	d.SwapIndex("j", "2", "")
	if d.State("mine").Answers != before {
		t.Error("another index has answers served no more: they are of the passages, whatever index holds them")
	}
}

func TestInvalidateRequests(t *testing.T) {
	root := Identity{Tenant: DefaultTenant, AllTenants: true, Role: RoleAdmin}
	bound := Identity{Tenant: "acme", Role: RoleAdmin}
	for name, tt := range map[string]struct {
		id    Identity
		do    InvalidateRequest
		want  Invalidation
		fault error
		field string
	}{
		"nothing":                    {id: root, fault: ErrValidation, field: "all"},
		"unknown kind":               {id: root, do: InvalidateRequest{Kind: "answers"}, fault: ErrValidation, field: "kind"},
		"no document's id":           {id: root, do: InvalidateRequest{DocumentID: "a b"}, fault: ErrValidation, field: "document_id"},
		"no tenant's name":           {id: root, do: InvalidateRequest{Tenant: "\x00"}, fault: ErrValidation, field: "tenant"},
		"all and a document":         {id: root, do: InvalidateRequest{All: true, DocumentID: "a"}, fault: ErrValidation, field: "all"},
		"all and a tenant":           {id: root, do: InvalidateRequest{All: true, Tenant: "acme"}, fault: ErrValidation, field: "all"},
		"another tenant":             {id: bound, do: InvalidateRequest{Tenant: "umbrella"}, fault: ErrForbidden},
		"own tenant":                 {id: bound, do: InvalidateRequest{Tenant: "acme"}, want: Invalidation{Tenant: "acme"}},
		"all of a tenant":            {id: bound, do: InvalidateRequest{All: true}, want: Invalidation{Tenant: "acme"}},
		"all":                        {id: root, do: InvalidateRequest{All: true}, want: Invalidation{AllTenants: true, Tenant: DefaultTenant}},
		"all of a kind":              {id: root, do: InvalidateRequest{All: true, Kind: CacheLLM}, want: Invalidation{AllTenants: true, Tenant: DefaultTenant, Kind: CacheLLM}},
		"a kind":                     {id: root, do: InvalidateRequest{Kind: CacheSearch}, want: Invalidation{Tenant: DefaultTenant, Kind: CacheSearch}},
		"a document of a tenant":     {id: root, do: InvalidateRequest{Tenant: "acme", DocumentID: "a"}, want: Invalidation{Tenant: "acme", DocumentID: "a"}},
		"a document of the caller's": {id: bound, do: InvalidateRequest{DocumentID: "a"}, want: Invalidation{Tenant: "acme", DocumentID: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tt.do.invalidation(tt.id)
			if tt.fault == nil && err == nil {
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
				return
			}
			if !errors.Is(err, tt.fault) {
				t.Fatalf("%v, want %v", err, tt.fault)
			}
			var e *Error
			if !errors.As(err, &e) || tt.field == "" {
				return
			}
			if fields, _ := e.Details["fields"].([]FieldError); len(fields) != 1 || fields[0].Field != tt.field {
				t.Errorf("faults %v, want one of %s", fields, tt.field)
			}
		})
	}
}

// The tokens are drawn before anything is dropped: what is made meanwhile is kept under the new ones. Then every replica has time
// to see them.
func TestInvalidateDrawsTokensThenDropsThenWaits(t *testing.T) {
	p := &ports{}
	dropped, err := p.service(testSettings).Invalidate(t.Context(), Identity{Tenant: "t"}, InvalidateRequest{DocumentID: "a"})
	if err != nil || dropped[CacheLLM] != 2 {
		t.Errorf("%v, %v", dropped, err)
	}
	if diff := cmp.Diff([]string{"invalidate {Kind: Tenant:t AllTenants:false DocumentID:a}", "forget a", "settle"}, p.calls); diff != "" {
		t.Error(diff)
	}
	p = &ports{publish: func() error { return ErrSearchUnavailable }}
	if _, err := p.service(testSettings).Invalidate(t.Context(), Identity{Tenant: "t"}, InvalidateRequest{All: true}); !errors.Is(err, ErrSearchUnavailable) {
		t.Errorf("%v, want the store's error", err)
	}
	if len(p.calls) != 1 {
		t.Errorf("%v: something was dropped though no token was drawn", p.calls)
	}
}

// The control document is read all the time: a tenant with many invalidated documents has a new token for all its answers instead.
func TestTokensOfDocumentsAreBounded(t *testing.T) {
	d := NewControlDocument("i", "1")
	seen := map[Token]bool{}
	for i := range 1000 {
		id := strconv.Itoa(i)
		before := d.State("mine").Answers
		d.Invalidate(Invalidation{Tenant: "mine", DocumentID: id})
		after := d.State("mine").Answers
		if len(after.Documents) > maxSlots {
			t.Fatalf("%d slots after %d invalidations", len(after.Documents), i+1)
		}
		if after.Tenant() == before.Tenant() && after.Document(id) == before.Document(id) {
			t.Fatalf("the answers from document %s keep their tokens", id)
		}
		if after.Tenant() != before.Tenant() && seen[after.Tenant()] {
			t.Fatal("an earlier token is back")
		}
		seen[after.Tenant()] = true
	}
}
