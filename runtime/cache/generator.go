package cache

import (
	"context"
	"slices"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Generator returns next with this cache before it.
func (c *Cache) Generator(next rag.Generator) rag.Generator { return &generator{c, next} }

type generator struct {
	cache *Cache
	next  rag.Generator
}

// Generate serves what was written for the same prompt, token by token as it was written. A prompt that is being
// answered for another request gets its tokens so far and then follows.
func (g *generator) Generate(ctx context.Context, p rag.Prompt, emit func(string) error) (rag.Completion, error) {
	settings := g.cache.options.Config()
	if !settings.Cache.Enabled {
		written, err := g.next.Generate(ctx, p, emit)
		written.Cache = rag.CacheInfo{Outcome: rag.CacheBypass}
		return written, err
	}
	r := answerRequest(settings, p)
	r.work = func(ctx context.Context, emit func(string)) (rag.Completion, error) {
		return g.next.Generate(ctx, p, func(token string) error {
			emit(token)
			return nil
		})
	}
	answer, err := serve(ctx, g.cache, &g.cache.answers, r, emit)
	if err != nil {
		return rag.Completion{}, gaveUp(ctx, err, rag.ErrLLMTimeout)
	}
	written := answer.value
	written.Tokens, written.Cache = slices.Clip(written.Tokens), answer.info
	return written, nil
}

// Peek says how Generate will serve a prompt. What it finds in Redis it brings into memory, so that Generate does not ask
// again; only Generate is counted as a lookup.
func (c *Cache) Peek(ctx context.Context, p rag.Prompt) rag.CacheInfo {
	settings := c.options.Config()
	if !settings.Cache.Enabled {
		return rag.CacheInfo{Outcome: rag.CacheBypass}
	}
	r := answerRequest(settings, p)
	e, ok := lookLocal(c, r)
	if !ok && c.answers.flying(r.key) {
		return hit(0)
	}
	if !ok && c.options.Redis != nil {
		var outcome string
		e, outcome = fetch(ctx, c, r, c.forgotten.now())
		ok = outcome == LookupHit
	}
	if !ok {
		return rag.CacheInfo{Outcome: rag.CacheMiss}
	}
	return hit(e.age(c.options.Now()))
}

// answerRequest is what serve needs to know of an answer, but for the work.
func answerRequest(settings config.Config, p rag.Prompt) request[rag.Completion] {
	documents := documentsOf(p)
	return request[rag.Completion]{
		kind: KindLLM, key: answerKey(settings, p), config: settings, ttl: settings.Cache.TTLLLM.D(), tenant: p.Tenant,
		documents: func(rag.Completion) []string { return documents },
		storable:  func(rag.Completion) bool { return true }, // a broken answer is an error
		empty:     func(v rag.Completion) bool { return len(v.Tokens) == 0 },
		tokens:    func(v rag.Completion) []string { return v.Tokens },
		current:   func() bool { return true }, // other passages are another key
	}
}

// documentsOf are the documents of the passages, each once.
func documentsOf(p rag.Prompt) []string {
	ids := make([]string, len(p.Passages))
	for i, chunk := range p.Passages {
		ids[i] = chunk.DocumentID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
