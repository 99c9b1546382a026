package rag

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// admissionPorts are a retriever and a generator that note when they are called, beside an Admit that does too.
func admissionPorts(refusal error) (*ports, *[]string, RequestOptions) {
	var order []string
	p := &ports{
		retrieve: func(Query) (Retrieval, error) {
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
