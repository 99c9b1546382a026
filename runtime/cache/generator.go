package cache

import (
	"context"
	"slices"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Generator returns next with this cache before it.
func (c *Cache) Generator(next rag.Generator) rag.Generator {
	g := &generator{cache: c, next: next}
	g.kind = kind[rag.Prompt, rag.Completion]{
		cache: c,
		name:  rag.CacheLLM,
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

type generator struct {
	cache *Cache
	next  rag.Generator
	kind  kind[rag.Prompt, rag.Completion]
}

// Generate serves what was written for the same prompt, token by token as it was written. A prompt that is being
// answered for another request gets its tokens so far and then follows.
func (g *generator) Generate(ctx context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	settings := g.cache.options.Config()
	if !settings.Cache.Enabled {
		bypassed := rag.CacheInfo{Outcome: rag.CacheBypass}
		if err := p.Cache.Tell(bypassed); err != nil {
			return rag.Completion{}, err
		}
		written, err := g.next.Generate(ctx, p, emit)
		written.Cache = bypassed
		return written, err
	}
	use := p.Cache
	p.Cache = rag.CacheUse{} // other requests share the work
	l := g.lookup(ctx, settings, p)
	early := emit
	if l.whole { // what a stream that it joins was told may yet break off
		early = func(rag.Piece) error { return nil }
	}
	answer, err := g.kind.get(ctx, &l, use, early)
	if err != nil {
		return rag.Completion{}, timedOut(ctx, err, rag.ErrLLMTimeout)
	}
	written := answer.value
	for i := 0; l.whole && i < len(written.Pieces); i++ {
		if err := emit(written.Pieces[i]); err != nil {
			return rag.Completion{}, err
		}
	}
	written.Pieces, written.Cache = slices.Clip(written.Pieces), answer.info
	return written, nil
}

// errUnconfirmed is why an answer is told as STALE that may have been invalidated.
var errUnconfirmed = &rag.Error{Kind: rag.ErrSearchUnavailable, Message: "it is not known which answers were invalidated lately"}

// lookup is that of a prompt. While it is not confirmed which answers may be served, those that are kept are STALE, for as long after the last
// confirmation as after an answer has expired; then none is served or kept.
func (g *generator) lookup(ctx context.Context, settings *config.Config, p rag.Prompt) lookup[rag.Prompt] {
	state := g.cache.options.Control.Current(ctx, p.Tenant)
	l := lookup[rag.Prompt]{
		query:        p,
		key:          answerKey(settings, &p, state.Answers),
		tenant:       p.Tenant,
		ttl:          settings.Cache.TTLLLM.D(),
		staleIfError: settings.Cache.StaleIfError.D(),
		whole:        p.Whole,
		config:       settings,
	}
	switch {
	case state.Confirmed:
	case g.cache.options.Now().Sub(state.LastConfirmed) < l.staleIfError:
		l.doubt = errUnconfirmed
	default:
		l.ttl, l.staleIfError = 0, 0
	}
	return l
}

// storableAnswer reports whether an answer may stand for the prompt from now on: the prompt's own model wrote it, and it
// ended by itself. One that was cut off, filtered or written by a fallback is told to those who wait for it alone.
func storableAnswer(p *rag.Prompt, v rag.Completion) bool {
	return v.Model == p.Model && v.FinishReason == rag.FinishStop && !v.HoldsThought && v.Fallback == 0
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
