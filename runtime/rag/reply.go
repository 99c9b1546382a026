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
	events    StreamEvents
	metaTold  bool
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
	if err := a.admission.late(ctx, info); err != nil {
		return err
	}
	a.Cache = a.with(info)
	if info.Fallback {
		return nil
	}
	return a.tellMeta()
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

// generate is the answer with its text, whose tokens and citations it tells as they come.
func (a *reply) generate(ctx context.Context, g Generator, p Prompt) (Answer, error) {
	p.Cache = CacheUse{NoCache: a.admission.NoCache}
	if a.events.Meta != nil || !a.admission.admitted {
		p.Cache.Serving = func(info CacheInfo) error { return a.serving(ctx, info) }
	}
	var text strings.Builder
	text.Grow(usualAnswer)
	a.Citations = slices.Grow(a.Citations, usualCitations)
	completion, err := g.Generate(ctx, p, func(piece Piece) error {
		if err := a.tellMeta(); err != nil {
			return err
		}
		text.WriteString(piece.Text)
		return a.tell(piece)
	})
	if err != nil {
		if late, ok := errors.AsType[*Error](context.Cause(ctx)); ok {
			err = late // our own bound, not the caller's
		}
		return Answer{}, err
	}
	if err := a.serving(ctx, completion.Cache); err != nil { // of a generator without a cache, or of an answer without a piece
		return Answer{}, err
	}
	a.Text = text.String()
	a.Sources = sources(a.Citations)
	a.Model, a.FinishReason = completion.Model, completion.FinishReason
	a.Cached = completion.Cache.Outcome == CacheHit || completion.Cache.Outcome == CacheStale
	if !a.Cached { // what a cached answer took was told to whom it was written for
		a.Usage = completion.Usage
	}
	return a.Answer, nil
}

func (a *reply) tell(piece Piece) error {
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
