package cache

import (
	"context"
	"slices"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Generator writes answers with the cache before it, and tells beforehand how it will.
type Generator struct {
	cache *Cache
	next  rag.Generator
	kind  kind[rag.Prompt, rag.Completion]
}

// Generator returns next with this cache before it.
func (c *Cache) Generator(next rag.Generator) *Generator {
	g := &Generator{cache: c, next: next}
	g.kind = kind[rag.Prompt, rag.Completion]{
		cache: c,
		name:  KindLLM,
		work: func(ctx context.Context, p rag.Prompt, emit func(rag.Piece)) (rag.Completion, error) {
			return next.Generate(ctx, p, func(piece rag.Piece) error {
				emit(piece)
				return nil
			})
		},
		documents: func(p *rag.Prompt, _ rag.Completion) []string { return documentsOf(p) },
		storable:  storableAnswer,
		empty:     func(v rag.Completion) bool { return len(v.Pieces) == 0 },
		pieces:    func(v rag.Completion) []rag.Piece { return v.Pieces },
		current:   func(*lookup[rag.Prompt]) bool { return true }, // other passages are another key
	}
	return g
}

// Generate serves what was written for the same prompt, token by token as it was written. A prompt that is being
// answered for another request gets its tokens so far and then follows.
func (g *Generator) Generate(ctx context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	settings := g.cache.options.Config()
	if !settings.Cache.Enabled {
		written, err := g.next.Generate(ctx, p, emit)
		written.Cache = rag.CacheInfo{Outcome: rag.CacheBypass}
		return written, err
	}
	l := answerLookup(settings, p)
	answer, err := g.kind.get(ctx, &l, emit)
	if err != nil {
		return rag.Completion{}, timedOut(ctx, err, rag.ErrLLMTimeout)
	}
	written := answer.value
	written.Pieces, written.Cache = slices.Clip(written.Pieces), answer.info
	return written, nil
}

// Peek says how Generate will serve a prompt. What it finds in Redis it brings into memory, so that Generate does not ask
// again; only Generate is counted as a lookup.
func (g *Generator) Peek(ctx context.Context, p rag.Prompt) rag.CacheInfo {
	settings := g.cache.options.Config()
	if !settings.Cache.Enabled {
		return rag.CacheInfo{Outcome: rag.CacheBypass}
	}
	l := answerLookup(settings, p)
	e, ok := g.kind.inMemory(l.key, l.ttl)
	if !ok && g.kind.calls.running(l.key) {
		return hit(0)
	}
	if !ok && g.cache.options.Redis != nil {
		var outcome string
		e, outcome = g.kind.fetch(ctx, &l, g.cache.forgotten.now())
		ok = outcome == LookupHit
	}
	if !ok {
		return rag.CacheInfo{Outcome: rag.CacheMiss}
	}
	return hit(e.age(g.cache.options.Now()))
}

func answerLookup(settings *config.Config, p rag.Prompt) lookup[rag.Prompt] {
	return lookup[rag.Prompt]{
		query:  p,
		key:    answerKey(settings, &p),
		tenant: p.Tenant,
		ttl:    settings.Cache.TTLLLM.D(),
		config: settings,
	}
}

// storableAnswer reports whether an answer may stand for the prompt from now on: the prompt's own model wrote it, and it
// ended by itself. One that was cut off, filtered or written by a fallback is told to those who wait for it alone.
func storableAnswer(p *rag.Prompt, v rag.Completion) bool {
	return v.Model == p.Model && v.FinishReason == rag.FinishStop
}

// documentsOf are the documents of the passages, each once.
func documentsOf(p *rag.Prompt) []string {
	ids := make([]string, len(p.Passages))
	for i, chunk := range p.Passages {
		ids[i] = chunk.DocumentID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
