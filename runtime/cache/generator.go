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
func (g *generator) Generate(ctx context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	settings := g.cache.options.Config()
	if !settings.Cache.Enabled {
		written, err := g.next.Generate(ctx, p, emit)
		written.Cache = rag.CacheInfo{Outcome: rag.CacheBypass}
		return written, err
	}
	r := answerRequest(settings, p)
	r.work = func(ctx context.Context, emit func(rag.Piece)) (rag.Completion, error) {
		return g.next.Generate(ctx, p, func(piece rag.Piece) error {
			emit(piece)
			return nil
		})
	}
	answer, err := lookUp(ctx, g.cache, &g.cache.answers, r, emit)
	if err != nil {
		return rag.Completion{}, timedOut(ctx, err, rag.ErrLLMTimeout)
	}
	written := answer.value
	written.Pieces, written.Cache = slices.Clip(written.Pieces), answer.info
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
	if !ok && c.answers.running(r.key) {
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

// answerRequest is what lookUp needs to know of an answer, but for the work.
func answerRequest(settings config.Config, p rag.Prompt) lookup[rag.Completion] {
	documents := documentsOf(p)
	return lookup[rag.Completion]{
		kind: KindLLM, key: answerKey(settings, p), config: settings, ttl: settings.Cache.TTLLLM.D(), tenant: p.Tenant,
		documents: func(rag.Completion) []string { return documents },
		storable:  storableAnswer(p),
		empty:     func(v rag.Completion) bool { return len(v.Pieces) == 0 },
		pieces:    func(v rag.Completion) []rag.Piece { return v.Pieces },
		current:   func() bool { return true }, // other passages are another key
	}
}

// storableAnswer reports whether an answer may stand for the prompt from now on: the prompt's own model wrote it, and it
// ended by itself. One that was cut off, filtered or written by a fallback is told to those who wait for it alone.
func storableAnswer(p rag.Prompt) func(rag.Completion) bool {
	return func(v rag.Completion) bool { return v.Model == p.Model && v.FinishReason == rag.FinishStop }
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
