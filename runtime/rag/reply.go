package rag

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// reply is an answer while it is made and told.
type reply struct {
	Answer
	found     Retrieval
	admission *admission
	settings  Settings
	events    StreamEvents
	// affordable says whether a model may be asked.
	affordable func() error
	metaTold   bool
	text       strings.Builder // of the pieces told
}

// nothing is the answer when no passage was found.
func (a *reply) nothing(ctx context.Context) (Answer, error) {
	if err := a.serving(ctx, a.found.Cache); err != nil {
		return Answer{}, err
	}
	a.Text, a.FinishReason, a.Cached = NothingFound, FinishStop, a.found.Cache.Outcome == CacheHit
	return a.Answer, a.events.Token(NothingFound)
}

// serving admits the request if it waited for that, and tells what is known of the answer, now that it is known how the cache
// serves it. A MISS that may yet become STALE is told with the first token.
func (a *reply) serving(ctx context.Context, info CacheInfo) error {
	if err := a.admission.admit(ctx, info); err != nil {
		return err
	}
	a.Cache = a.with(info)
	if info.Fallback {
		return nil
	}
	return a.tellMeta()
}

// beginning is serving before any work: what a model must be asked for, and nobody can pay, is refused while its answer can still be a status.
func (a *reply) beginning(ctx context.Context, info CacheInfo) error {
	if err := a.admission.admit(ctx, info); err != nil {
		return err
	}
	if info.Outcome == CacheMiss || info.Outcome == CacheBypass {
		if err := a.affordable(); err != nil {
			return err
		}
	}
	return a.serving(ctx, info)
}

func (a *reply) tellMeta() error {
	if a.metaTold || a.events.Meta == nil {
		return nil
	}
	a.metaTold = true
	return a.events.Meta(StreamMeta{
		Query: a.Query, ChunksUsed: a.ChunksUsed, Mode: a.Mode, Degraded: a.Degraded, Model: a.Model, Cache: a.Cache,
	})
}

// with is how the cache serves an answer that is served so from the passages that were found: as stale as the staler of them.
func (a *reply) with(info CacheInfo) CacheInfo {
	if a.found.Cache.Outcome != CacheStale {
		return info
	}
	stale := a.found.Cache
	stale.Age = max(stale.Age, info.Age)
	return stale
}

// usualAnswer and usualCitations are room for most answers, in bytes and citations: an answer comes in hundreds of pieces.
const (
	usualAnswer    = 1 << 10
	usualCitations = 4
)

// generate makes the answer, whose tokens and citations it tells as they come.
func (a *reply) generate(ctx context.Context, g Generator, p Prompt) error {
	p.Cache = CacheUse{NoCache: a.admission.NoCache, Queued: !a.admission.admitted}
	if a.events.Meta != nil || !a.admission.admitted {
		p.Cache.Serving = func(info CacheInfo) error { return a.beginning(ctx, info) }
	}
	a.text.Grow(usualAnswer)
	a.Citations = slices.Grow(a.Citations, usualCitations)
	completion, err := g.Generate(ctx, p, a.tell)
	if err != nil {
		if late, ok := errors.AsType[*Error](context.Cause(ctx)); ok {
			err = late // our own bound, not the caller's
		}
		return err
	}
	if err := a.serving(ctx, completion.Cache); err != nil { // of a generator without a cache, or of an answer without a piece
		return err
	}
	a.Cached = completion.Cache.Outcome == CacheHit || completion.Cache.Outcome == CacheStale
	a.end(completion)
	return nil
}

// extract makes the answer without the model, which has failed for cause. One that cites nothing is no answer: then the cause is
// returned, for an outage is never told as nothing found.
func (a *reply) extract(ctx context.Context, g Generator, p Prompt, cause error) error {
	p.Model, p.MaxTokens, p.Cache = ExtractiveModel, extractiveMaxTokens, CacheUse{}
	var pieces []Piece
	completion, err := g.Generate(ctx, p, func(piece Piece) error {
		pieces = append(pieces, piece)
		return nil
	})
	if err != nil || !slices.ContainsFunc(pieces, func(piece Piece) bool { return len(piece.Citations) > 0 }) {
		return cause
	}
	a.Model, a.Cache, a.Instead = ExtractiveModel, a.with(CacheInfo{Outcome: CacheMiss}), cause
	for _, piece := range pieces {
		if err := a.tell(piece); err != nil {
			return err
		}
	}
	a.end(completion)
	return nil
}

// end completes the answer with what its last token tells.
func (a *reply) end(c Completion) {
	a.Text = a.text.String()
	a.Sources = sources(a.Citations)
	a.Model, a.FinishReason = c.Model, c.FinishReason
	usage := c.Usage
	usage.CostUSD = a.settings.price(c).of(usage)
	a.ChunksUsed -= c.LeftOut
	if a.Cached { // what it took was told to whom it was written for
		a.Saved = usage
		return
	}
	a.Usage = usage
}

// tell tells a piece, after what comes before all of them.
func (a *reply) tell(piece Piece) error {
	if err := a.tellMeta(); err != nil {
		return err
	}
	a.text.WriteString(piece.Text)
	if err := a.events.Token(piece.Text); err != nil {
		return err
	}
	for _, c := range piece.Citations {
		c.Score = scoreOf(a.found.Hits, c.ChunkID)
		a.Citations = append(a.Citations, c)
		if err := a.events.Citation(c); err != nil {
			return err
		}
	}
	return nil
}

// scoreOf is the score of a chunk among hits.
func scoreOf(hits []Hit, chunkID string) float64 {
	for i := range hits {
		if hits[i].ID == chunkID {
			return hits[i].Score
		}
	}
	return 0
}
