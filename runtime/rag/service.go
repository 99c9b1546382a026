package rag

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Service is the pipeline. Its fields are set once, before the first request; Close ends what it does in the background.
type Service struct {
	Retriever Retriever
	Generator Generator
	// Extractor answers without a model, when the settings want it while the model is unavailable.
	Extractor Generator
	// Budget is asked before a model would be; nil without one. What an answer takes is reserved by whoever asks the model.
	Budget    Budget
	Documents DocumentStore
	Control   Control
	// Feedback keeps what callers say of answers.
	Feedback FeedbackStore
	// Forgetter drops cached text of deleted documents.
	Forgetter Forgetter
	// Settings are read once for each request.
	Settings func() Settings

	tokenCounts tokenCounts
	popular     popular
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
	admission := admission{RequestOptions: opt}
	if err := admission.early(ctx); err != nil {
		return SearchResult{}, err
	}
	defer admission.end()
	q.Readers, q.Cache = id.Readers(), admission.result(ctx)
	found, err := s.Retriever.Retrieve(ctx, q)
	if err != nil {
		return SearchResult{}, err
	}
	if err := admission.admit(ctx, found.Cache); err != nil { // of a Retriever without a cache
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
	if settings.CountQuestions {
		opt.Admit = s.counted(opt.Admit, id, r)
	}
	admission := admission{RequestOptions: opt}
	if err := admission.early(ctx); err != nil {
		return Answer{}, err
	}
	defer admission.end()
	q.Readers, q.Cache = id.Readers(), admission.passages(ctx)
	found, err := s.Retriever.Retrieve(ctx, q)
	if err != nil {
		return Answer{}, err
	}
	if err := admission.found(ctx, found.Cache); err != nil { // of a Retriever without a cache
		return Answer{}, err
	}
	prompt := newPrompt(q, found, r, settings)
	prompt.Whole = events.Meta == nil
	fit(&prompt, settings.Model.ContextTokens, &s.tokenCounts)
	a := reply{
		Answer: Answer{
			Query: q.Text, ChunksUsed: len(prompt.Passages), Mode: found.Mode, Degraded: found.Degraded, Model: settings.ModelName(),
			Citations: []Citation{}, Sources: []string{}, Cache: found.Cache,
		},
		found: found, admission: &admission, settings: settings, events: events,
		affordable: func() error { return s.affordable(ctx, prompt, settings) },
	}
	if len(found.Hits) == 0 {
		return a.nothing(ctx)
	}
	bounded := ctx
	if timeout := settings.Model.Timeout; timeout > 0 && events.Meta == nil {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeoutCause(ctx, timeout, LLMTimedOut(timeout, nil))
		defer cancel()
	}
	err = a.generate(bounded, s.Generator, prompt)
	if settings.Model.Extract && a.text.Len() == 0 && ModelUnavailable(err) {
		err = a.extract(ctx, s.Extractor, prompt, err)
	}
	if err != nil {
		return Answer{}, err
	}
	return a.Answer, nil
}

// counted is Admit that counts the questions of callers whom it admits. Questions that are asked beforehand have none.
func (s *Service) counted(admit func(context.Context, CacheInfo) error, id Identity, r AskRequest) func(context.Context, CacheInfo) error {
	if admit == nil {
		return nil
	}
	return func(ctx context.Context, info CacheInfo) error {
		if err := admit(ctx, info); err != nil {
			return err
		}
		s.popular.note(id, r)
		return nil
	}
}

func newPrompt(q Query, found Retrieval, r AskRequest, s Settings) Prompt {
	p := Prompt{
		Tenant: q.Tenant, Readers: q.Readers, Query: q.Text, Model: s.ModelName(), Temperature: s.Model.Temperature,
		MaxTokens: s.MaxTokens(), BaseURL: s.Model.BaseURL,
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

// affordable refuses a question, before anything of its answer is told, for which the budget has no room.
func (s *Service) affordable(ctx context.Context, p Prompt, settings Settings) error {
	if s.Budget == nil || settings.Model.Name == "" || !s.Budget.Any() {
		return nil
	}
	return s.Budget.Check(ctx, p.Tenant, settings.Model.Price.Cost(p.Most()))
}
