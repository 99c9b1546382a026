package rag

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// admissionPorts are a retriever and a generator that note when they are called, beside an Admit that does too.
func admissionPorts(refusal error) (*ports, *[]string, RequestOptions) {
	var order []string
	p := &ports{
		retrieve: func(q Query) (Retrieval, error) {
			if err := q.Cache.Tell(CacheInfo{Outcome: CacheMiss}); err != nil {
				return Retrieval{}, err
			}
			order = append(order, "retrieve")
			return Retrieval{Hits: hits()}, nil
		},
		generate: func(_ context.Context, _ Prompt, emit func(Piece) error) (Completion, error) {
			order = append(order, "generate")
			return Completion{}, emit(Piece{Text: "x"})
		},
	}
	return p, &order, RequestOptions{Admit: func(context.Context, CacheInfo) error {
		order = append(order, "admit")
		return refusal
	}}
}

func TestAdmission(t *testing.T) {
	refused := errors.New("refused")
	ways := map[string]func(*Service, string, RequestOptions) error{
		"search": func(s *Service, query string, opt RequestOptions) error {
			_, err := s.Search(t.Context(), Identity{}, SearchRequest{Query: query}, opt)
			return err
		},
		"ask": func(s *Service, query string, opt RequestOptions) error {
			_, err := s.Ask(t.Context(), Identity{}, AskRequest{Query: query}, opt)
			return err
		},
		"stream": func(s *Service, query string, opt RequestOptions) error {
			_, err := s.Stream(t.Context(), Identity{}, AskRequest{Query: query}, opt, StreamEvents{
				Meta:  func(StreamMeta) error { return nil },
				Token: func(string) error { return nil },
			})
			return err
		},
	}
	for _, tt := range []struct {
		name, way, query string
		refusal, want    error
		order            []string
	}{
		{name: "a search is admitted before its work", way: "search", query: "x", order: []string{"admit", "retrieve"}},
		{name: "an ask is admitted once, before its work", way: "ask", query: "x", order: []string{"admit", "retrieve", "generate"}},
		{name: "a stream is admitted once, before its work", way: "stream", query: "x", order: []string{"admit", "retrieve", "generate"}},
		{name: "a search that is refused does nothing", way: "search", query: "x", refusal: refused, want: refused, order: []string{"admit"}},
		{name: "an ask that is refused does nothing", way: "ask", query: "x", refusal: refused, want: refused, order: []string{"admit"}},
		{name: "a stream that is refused does nothing", way: "stream", query: "x", refusal: refused, want: refused, order: []string{"admit"}},
		{name: "a search that is not valid is not asked about", way: "search", query: " ", refusal: refused, want: ErrInvalidQuery},
		{name: "an ask that is not valid is not asked about", way: "ask", query: " ", refusal: refused, want: ErrInvalidQuery},
		{name: "a stream that is not valid is not asked about", way: "stream", query: " ", refusal: refused, want: ErrInvalidQuery},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, order, opt := admissionPorts(tt.refusal)
			if err := ways[tt.way](p.service(testSettings), tt.query, opt); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if diff := cmp.Diff(tt.order, *order); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// With AdmitLate a request is admitted once it is known how the cache serves it, once, and before any work.
func TestLateAdmission(t *testing.T) {
	hit, miss, stale := CacheInfo{Outcome: CacheHit}, CacheInfo{Outcome: CacheMiss}, CacheInfo{Outcome: CacheStale}
	fallback := miss
	fallback.Fallback = true
	refused := errors.New("refused")
	for name, tt := range map[string]struct {
		passages, answer []CacheInfo // as the cache tells them, in order
		refusal          error
		order            []string
	}{
		"all of it cached":             {[]CacheInfo{hit}, []CacheInfo{hit}, nil, []string{"admit HIT", "answer"}},
		"the passages alone":           {[]CacheInfo{hit}, []CacheInfo{miss}, nil, []string{"admit MISS", "answer"}},
		"the answer alone":             {[]CacheInfo{miss}, []CacheInfo{hit}, nil, []string{"admit MISS", "search", "answer"}},
		"nothing":                      {[]CacheInfo{miss}, []CacheInfo{miss}, nil, []string{"admit MISS", "search", "answer"}},
		"an answer that becomes stale": {[]CacheInfo{hit}, []CacheInfo{fallback, stale}, nil, []string{"admit MISS", "answer"}},
		"passages that become stale":   {[]CacheInfo{fallback, stale}, []CacheInfo{hit}, nil, []string{"admit MISS", "search", "answer"}},
		"refused before the search":    {[]CacheInfo{miss}, nil, refused, []string{"admit MISS"}},
		"refused before the answer":    {[]CacheInfo{hit}, []CacheInfo{miss}, refused, []string{"admit MISS"}},
	} {
		t.Run(name, func(t *testing.T) {
			var order []string
			serve := func(use CacheUse, infos []CacheInfo) (CacheInfo, error) {
				if use.Waiting != nil {
					use.Waiting() // begins nothing: how the cache serves the request is not known yet
				}
				for _, info := range infos {
					if err := use.Tell(info); err != nil {
						return info, err
					}
				}
				return infos[len(infos)-1], nil
			}
			p := &cachingPorts{
				retrieve: func(q Query) (Retrieval, error) {
					served, err := serve(q.Cache, tt.passages)
					if err == nil && served.Outcome != CacheHit {
						order = append(order, "search")
					}
					return Retrieval{Hits: hits(), Cache: served}, err
				},
				generate: func(pr Prompt, emit func(Piece) error) (Completion, error) {
					served, err := serve(pr.Cache, tt.answer)
					if err != nil {
						return Completion{}, err
					}
					order = append(order, "answer")
					return Completion{Cache: served}, emit(Piece{Text: "x"})
				},
			}
			opt := RequestOptions{AdmitLate: true, Admit: func(_ context.Context, info CacheInfo) error {
				order = append(order, "admit "+string(info.Outcome))
				return tt.refusal
			}}
			s := &Service{Retriever: p, Generator: p, Settings: func() Settings { return testSettings }}
			answer, err := s.Ask(t.Context(), Identity{}, AskRequest{Query: "x"}, opt)
			if !errors.Is(err, tt.refusal) {
				t.Errorf("got %v, want %v", err, tt.refusal)
			}
			if diff := cmp.Diff(tt.order, order); diff != "" {
				t.Error(diff)
			}
			isStale := slices.ContainsFunc(append(tt.passages, tt.answer...), func(i CacheInfo) bool { return i.Outcome == CacheStale })
			if err == nil && (answer.Cache.Outcome == CacheStale) != isStale {
				t.Errorf("served as %s, one of its parts stale: %v", answer.Cache.Outcome, isStale)
			}
		})
	}
}

// Without AdmitLate a request that the cache answers is admitted like any other, before it is answered.
func TestCachedRequestsAreAdmitted(t *testing.T) {
	var order []string
	told := func(what string, use CacheUse) (CacheInfo, error) {
		info := CacheInfo{Outcome: CacheHit}
		err := use.Tell(info)
		if err == nil {
			order = append(order, what)
		}
		return info, err
	}
	p := &cachingPorts{
		retrieve: func(q Query) (Retrieval, error) {
			info, err := told("passages", q.Cache)
			return Retrieval{Hits: hits(), Cache: info}, err
		},
		generate: func(pr Prompt, emit func(Piece) error) (Completion, error) {
			info, err := told("answer", pr.Cache)
			return Completion{Cache: info}, errors.Join(err, emit(Piece{Text: "x"}))
		},
	}
	s := &Service{Retriever: p, Generator: p, Settings: func() Settings { return testSettings }}
	_, err := s.Ask(t.Context(), Identity{}, AskRequest{Query: "x"}, RequestOptions{Admit: func(_ context.Context, info CacheInfo) error {
		order = append(order, "admit "+string(info.Outcome))
		return nil
	}})
	if diff := cmp.Diff([]string{"admit ", "passages", "answer"}, order); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// cachingPorts are ports with a cache before them.
type cachingPorts struct {
	retrieve func(Query) (Retrieval, error)
	generate func(Prompt, func(Piece) error) (Completion, error)
}

func (p *cachingPorts) Retrieve(_ context.Context, q Query) (Retrieval, error) { return p.retrieve(q) }
func (p *cachingPorts) Generate(_ context.Context, pr Prompt, emit func(Piece) error) (Completion, error) {
	return p.generate(pr, emit)
}

// While the cache waits for what servers share, the limits decide; nothing is told or worked out before they have.
func TestAdmissionWhileTheCacheWaits(t *testing.T) {
	refused := errors.New("refused")
	for name, tt := range map[string]struct {
		admit func() error
		fails bool // the look-up
		want  error
	}{
		"admitted":                   {admit: func() error { return nil }},
		"refused":                    {admit: func() error { return refused }, want: refused},
		"panics":                     {admit: func() error { panic("a bug") }, want: ErrRAG},
		"decides after all is over":  {admit: func() error { return nil }, fails: true, want: ErrSearchUnavailable},
		"refused after all was over": {admit: func() error { return refused }, fails: true, want: ErrSearchUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			waiting, searched := make(chan struct{}), false
			var decided atomic.Int64
			p := &cachingPorts{
				retrieve: func(q Query) (Retrieval, error) {
					q.Cache.Waiting()
					q.Cache.Waiting() // a second look-up begins nothing more
					if tt.fails {
						close(waiting)
						return Retrieval{}, &Error{Kind: ErrSearchUnavailable, Message: "down"}
					}
					close(waiting)
					if err := q.Cache.Tell(CacheInfo{Outcome: CacheMiss}); err != nil {
						return Retrieval{}, err
					}
					searched = decided.Load() == 1
					return Retrieval{Hits: hits(), Cache: CacheInfo{Outcome: CacheMiss}}, nil
				},
				generate: func(_ Prompt, emit func(Piece) error) (Completion, error) {
					return Completion{}, emit(Piece{Text: "x"})
				},
			}
			s := &Service{Retriever: p, Generator: p, Settings: func() Settings { return testSettings }}
			entered := 0
			_, err := s.Ask(t.Context(), Identity{}, AskRequest{Query: "x"}, RequestOptions{
				Enter: func(context.Context) error { entered++; return nil },
				Admit: func(_ context.Context, info CacheInfo) error {
					<-waiting
					if entered != 1 || info != (CacheInfo{}) {
						t.Errorf("entered %d times before, told %+v", entered, info)
					}
					defer decided.Add(1)
					return tt.admit()
				},
			})
			if !errors.Is(err, tt.want) || searched != (tt.want == nil) {
				t.Errorf("%v, searched %t; want %v", err, searched, tt.want)
			}
			if decided.Load() != 1 {
				t.Errorf("it has decided %d times when the request ends, want once", decided.Load())
			}
		})
	}
}

// A request that finds no turn is not looked up, nor taken from its limits.
func TestWhoFindsNoTurnIsNotAdmitted(t *testing.T) {
	full := errors.New("full")
	for _, late := range []bool{false, true} {
		p, order, opt := admissionPorts(nil)
		opt.AdmitLate, opt.Enter = late, func(context.Context) error { return full }
		if _, err := p.service(testSettings).Ask(t.Context(), Identity{}, AskRequest{Query: "x"}, opt); !errors.Is(err, full) {
			t.Errorf("late %t: %v, want %v", late, err, full)
		}
		if len(*order) > 0 {
			t.Errorf("late %t: %q came after", late, *order)
		}
	}
}
