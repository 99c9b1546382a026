package rag

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Service is the pipeline. Its fields are set once, before the first request; Close ends what it does in the background.
type Service struct {
	Retriever Retriever
	Generator Generator
	Answers   AnswerCache
	Documents DocumentStore
	Control   Control
	// Forgetter drops cached text of deleted documents.
	Forgetter Forgetter
	// Settings are read once for each request.
	Settings func() Settings

	tokenCounts tokenCounts
	// background counts changes of documents, which run on when their caller has left.
	background sync.WaitGroup
	// work bounds the text that is being cut and written; see bytesInWork.
	work     *semaphore.Weighted
	workOnce sync.Once
}

// bytesInWork is the room for texts that are cut and written at once.
func (s *Service) bytesInWork() *semaphore.Weighted {
	s.workOnce.Do(func() { s.work = semaphore.NewWeighted(maxBytesInWork) })
	return s.work
}

// Close waits for changes of documents whose callers have left, until ctx ends.
func (s *Service) Close(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.background.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a change of documents still runs: %w", ctx.Err())
	}
}

// Search finds passages in the documents of the caller's tenant.
func (s *Service) Search(ctx context.Context, id Identity, r SearchRequest, opt RequestOptions) (SearchResult, error) {
	q, err := r.query(id.Tenant, s.Settings())
	if err != nil {
		return SearchResult{}, err
	}
	if err := opt.admit(ctx, CacheInfo{}); err != nil {
		return SearchResult{}, err
	}
	found, err := s.Retriever.Retrieve(ctx, q)
	if err != nil {
		return SearchResult{}, err
	}
	return SearchResult{Query: q.Text, Retrieval: found}, nil
}

// Ask answers a question from the documents of the caller's tenant. The model's timeout bounds the whole answer.
func (s *Service) Ask(ctx context.Context, id Identity, r AskRequest, opt RequestOptions) (Answer, error) {
	return s.Stream(ctx, id, r, opt, StreamEvents{
		Token:    func(string) error { return nil },
		Citation: func(Citation) error { return nil },
	})
}

// Stream answers as Ask does and tells each part as it comes; the generator bounds the time to the first token and each
// gap after it. An error before events.Meta leaves nothing told.
func (s *Service) Stream(ctx context.Context, id Identity, r AskRequest, opt RequestOptions, events StreamEvents) (Answer, error) {
	settings := s.Settings()
	q, err := r.search(id.Tenant, settings)
	if err != nil {
		return Answer{}, err
	}
	if err := opt.admit(ctx, CacheInfo{}); err != nil {
		return Answer{}, err
	}
	found, err := s.Retriever.Retrieve(ctx, q)
	if err != nil {
		return Answer{}, err
	}
	prompt := newPrompt(q, found, r, settings)
	prompt.Whole = events.Meta == nil
	fit(&prompt, settings.Model.ContextTokens, &s.tokenCounts)
	given := found.Hits[:len(prompt.Passages)]
	generator := s.Generator
	answer := Answer{
		Query: q.Text, ChunksUsed: len(given), Mode: found.Mode, Degraded: found.Degraded, Model: settings.ModelName(),
		Citations: []Citation{}, Sources: []string{}, Cache: found.Cache,
	}
	if events.Meta != nil {
		if len(found.Hits) > 0 {
			answer.Cache, generator = s.Answers.Peek(ctx, prompt)
		}
		if err := events.Meta(answer.meta()); err != nil {
			return Answer{}, err
		}
	}
	if len(found.Hits) == 0 {
		answer.Text, answer.FinishReason = NothingFound, FinishStop
		return answer, events.Token(NothingFound)
	}
	if timeout := settings.Model.Timeout; timeout > 0 && events.Meta == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, LLMTimedOut(timeout, nil))
		defer cancel()
	}
	return answer.generate(ctx, generator, prompt, given, events)
}

// meta is what is known of an answer before its first token.
func (a Answer) meta() StreamMeta {
	return StreamMeta{Query: a.Query, ChunksUsed: a.ChunksUsed, Mode: a.Mode, Degraded: a.Degraded, Model: a.Model, Cache: a.Cache}
}

// usualAnswer and usualCitations are room for most answers, in bytes and citations: an answer comes in hundreds of pieces.
const (
	usualAnswer    = 1 << 10
	usualCitations = 4
)

// generate is the answer with its text, whose tokens and citations it tells as they come.
func (a Answer) generate(ctx context.Context, g Generator, p Prompt, hits []Hit, events StreamEvents) (Answer, error) {
	var text strings.Builder
	text.Grow(usualAnswer)
	a.Citations = slices.Grow(a.Citations, usualCitations)
	completion, err := g.Generate(ctx, p, func(piece Piece) error {
		text.WriteString(piece.Text)
		if err := events.Token(piece.Text); err != nil {
			return err
		}
		for _, c := range piece.Citations {
			c.Score = scoreOf(hits, c.ChunkID)
			a.Citations = append(a.Citations, c)
			if err := events.Citation(c); err != nil {
				return err
			}
		}
		return nil
	})
	var late *Error
	if err != nil && errors.As(context.Cause(ctx), &late) {
		err = late // our own bound, not the caller's
	}
	if err != nil {
		return Answer{}, err
	}
	a.Text = text.String()
	a.Sources = sources(a.Citations)
	a.Model, a.FinishReason, a.Cache = completion.Model, completion.FinishReason, completion.Cache
	if completion.Cache.Outcome != CacheHit { // what a cached answer took was told to whom it was written for
		a.Usage = completion.Usage
	}
	return a, nil
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

func newPrompt(q Query, found Retrieval, r AskRequest, s Settings) Prompt {
	p := Prompt{
		Tenant: q.Tenant, Query: q.Text, Model: s.ModelName(), Temperature: s.Model.Temperature, MaxTokens: s.MaxTokens(), BaseURL: s.Model.BaseURL,
		Passages: make([]Chunk, len(found.Hits)), Statistics: found.Statistics,
	}
	for i, h := range found.Hits {
		p.Passages[i] = h.Chunk
	}
	if r.Temperature != nil {
		p.Temperature = *r.Temperature
	}
	if r.MaxTokens != nil {
		p.MaxTokens = *r.MaxTokens
	}
	return p
}
