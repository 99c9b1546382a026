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
	return completion(ctx, answer, err)
}

// completion is what a lookup came to, as callers of Generate get it.
func completion(ctx context.Context, answer result[rag.Completion], err error) (rag.Completion, error) {
	if err != nil {
		return rag.Completion{}, timedOut(ctx, err, rag.ErrLLMTimeout)
	}
	written := answer.value
	written.Pieces, written.Cache = slices.Clip(written.Pieces), answer.info
	return written, nil
}

// Peek says how a prompt will be served, and returns what serves it: it has what was found, so that neither memory nor Redis is
// asked twice. Only its Generate is counted as a lookup.
func (g *Generator) Peek(ctx context.Context, p rag.Prompt) (rag.CacheInfo, rag.Generator) {
	settings := g.cache.options.Config()
	if !settings.Cache.Enabled {
		return rag.CacheInfo{Outcome: rag.CacheBypass}, g
	}
	g.cache.local.resize(settings.Cache.LocalMaxBytes)
	s := &peeked{generator: g, lookup: answerLookup(settings, p)}
	var found bool
	if s.entry, found = g.kind.inMemory(s.lookup.key, s.lookup.ttl); found {
		s.layer = LayerLocal
	} else if g.kind.calls.running(s.lookup.key) {
		return hit(0), s
	} else if g.cache.options.Redis != nil {
		var outcome string
		if s.entry, outcome = g.kind.fetch(ctx, &s.lookup, g.cache.forgotten.now()); outcome == LookupHit {
			s.layer = LayerRedis
		} else {
			s.lookup.notInRedis = outcome
		}
	}
	if s.layer == "" {
		return rag.CacheInfo{Outcome: rag.CacheMiss}, s
	}
	return hit(s.entry.age(g.cache.options.Now())), s
}

// peeked goes on from what Peek has found.
type peeked struct {
	generator *Generator
	lookup    lookup[rag.Prompt]
	// layer is where entry was found; empty when it is yet to be made, or is being made.
	layer string
	entry entry[rag.Completion]
}

// Generate implements rag.Generator, for the prompt that Peek was asked about.
func (s *peeked) Generate(ctx context.Context, _ rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	kind, told := &s.generator.kind, s.generator.cache.options.OnLookup
	if s.layer == LayerLocal {
		told(KindLLM, LayerLocal, LookupHit)
		answer, err := kind.replay(s.entry, emit)
		return completion(ctx, answer, err)
	}
	told(KindLLM, LayerLocal, LookupMiss)
	if s.layer == LayerRedis {
		told(KindLLM, LayerRedis, LookupHit)
		answer, err := kind.replay(s.entry, emit)
		return completion(ctx, answer, err)
	}
	answer, err := kind.share(ctx, s.lookup, emit)
	return completion(ctx, answer, err)
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
	return v.Model == p.Model && v.FinishReason == rag.FinishStop && !v.HoldsThought
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
