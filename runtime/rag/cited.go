package rag

import (
	"context"

	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// WithCitations returns next with the citations of its answers: for models that name passages as [n]. Citations are
// found where an answer is written, before it is cached, so that a cached one brings its own. A nil analyser means one for
// English.
func WithCitations(next Generator, a *terms.Analyser) Generator {
	return citedGenerator{next: next, analyser: a}
}

type citedGenerator struct {
	next     Generator
	analyser *terms.Analyser
}

// Generate implements Generator. A piece that ends in what may be a marker waits for the next one, or for the end.
func (g citedGenerator) Generate(ctx context.Context, p Prompt, emit func(Piece) error) (Completion, error) {
	citer := NewCiter(p.Passages, g.analyser)
	var pieces []Piece
	waiting := false // the last of pieces was not emitted yet
	flush := func() error {
		if !waiting {
			return nil
		}
		waiting = false
		return emit(pieces[len(pieces)-1])
	}
	completion, err := g.next.Generate(ctx, p, func(piece Piece) error {
		if err := flush(); err != nil {
			return err
		}
		piece.Citations = citer.Feed(piece.Text)
		pieces = append(pieces, piece)
		waiting = true
		if citer.Waits() {
			return nil
		}
		return flush()
	})
	if err == nil && waiting {
		last := &pieces[len(pieces)-1]
		last.Citations = append(last.Citations, citer.Close()...)
		err = flush()
	}
	completion.Pieces = pieces
	return completion, err
}
