package rag

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
)

// maxPopular bounds the questions that are counted: about 1 MB. When they are more, each count is halved and those that come to
// nothing are forgotten, so that what was asked lately weighs more.
const maxPopular = 2000

// popularQuestion is a question and as whom it was asked, as far as the answer depends on that.
type popularQuestion struct {
	id      Identity
	request AskRequest
	asked   int
}

// popular counts the questions of callers. The zero value has counted none.
type popular struct {
	mu    sync.Mutex
	byKey map[string]*popularQuestion
}

// note counts a question.
func (p *popular) note(id Identity, r AskRequest) {
	key := fmt.Sprintf("%q %q %q %v %v %v %q %v %v", id.Tenant, id.Readers(), r.Query, deref(r.TopK), deref(r.UseHybrid), r.Filter, r.Mode,
		deref(r.Temperature), deref(r.MaxTokens))
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.byKey[key]; known != nil {
		known.asked++
		return
	}
	if len(p.byKey) >= maxPopular {
		p.halve()
	}
	if p.byKey == nil {
		p.byKey = map[string]*popularQuestion{}
	}
	if len(p.byKey) < maxPopular {
		as := Identity{Tenant: id.Tenant, Role: id.Role, Groups: id.Groups}
		p.byKey[key] = &popularQuestion{id: as, request: r, asked: 1}
	}
}

// halve is called with the mutex held.
func (p *popular) halve() {
	for key, q := range p.byKey {
		if q.asked /= 2; q.asked == 0 {
			delete(p.byKey, key)
		}
	}
}

// most are the n that were asked most, those first; of equal ones in the order of the alphabet.
func (p *popular) most(n int) []popularQuestion {
	if n == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]popularQuestion, 0, len(p.byKey))
	for _, q := range p.byKey {
		all = append(all, *q)
	}
	slices.SortFunc(all, func(a, b popularQuestion) int {
		return cmp.Or(cmp.Compare(b.asked, a.asked), cmp.Compare(a.request.Query, b.request.Query))
	})
	return all[:min(n, len(all))]
}

// deref is the value behind a pointer, or nil.
func deref[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}
