package rag

import "context"

// WithCitations returns next with the citations of its answers: for models that name passages as [n]. Citations are
// found where an answer is written, before it is cached, so that a cached one brings its own.
func WithCitations(next Generator) Generator { return citedGenerator{next} }

type citedGenerator struct{ next Generator }

// Generate implements Generator.
func (g citedGenerator) Generate(ctx context.Context, p Prompt, emit func(Piece) error) (Completion, error) {
	citer := NewCiter(p.Passages)
	var pieces []Piece
	completion, err := g.next.Generate(ctx, p, func(piece Piece) error {
		piece.Citations = citer.Feed(piece.Text)
		pieces = append(pieces, piece)
		return emit(piece)
	})
	completion.Pieces = pieces
	return completion, err
}
