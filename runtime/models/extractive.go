package models

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/segment"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

const (
	// maxAnswer bounds an answer in characters, markers and all.
	maxAnswer = 600
	// enoughAnswer is the length from which on nothing more is added, in characters.
	enoughAnswer = 500
	// maxUnits is the most units of an answer: more is a search result.
	maxUnits = 6
	// A further unit must score at least this share of the best one. On the questions of test/quality the first unit
	// alone answers 0.41 of them, all that reach this share 0.73, and with half of it answers only grow.
	minShare = 0.7
	// nearlyAll is the share of the question that a unit holds which leaves nothing to those that hold less of it.
	nearlyAll = 0.75
)

// Extractive answers without a model: with the units of the passages that match the question best, word for word and
// cited.
type Extractive struct {
	// Analyser makes the terms that question and units are compared by: the one of the index, whose statistics say how
	// rare they are. Nil means one for English.
	Analyser *terms.Analyser
}

var english = terms.New([]string{"en"})

// Generate implements rag.Generator. It never fails but with the error of emit or ctx. When nothing in the passages is an
// answer, it says rag.NothingFound and cites nothing.
func (e Extractive) Generate(ctx context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	out := rag.Completion{Model: p.Model, FinishReason: rag.FinishStop}
	for _, piece := range e.answer(p) {
		if len(out.Pieces) == p.MaxTokens {
			out.FinishReason = rag.FinishLength
			return out, nil
		}
		if err := ctx.Err(); err != nil {
			return rag.Completion{}, err
		}
		out.Pieces = append(out.Pieces, piece)
		if err := emit(piece); err != nil {
			return rag.Completion{}, err
		}
	}
	return out, nil
}

// answer is the answer word by word. The last word of each unit, its marker, brings its citation.
func (e Extractive) answer(p rag.Prompt) []rag.Piece {
	analyser := e.Analyser
	if analyser == nil {
		analyser = english
	}
	chosen := choose(newQuestion(analyser, p))
	if len(chosen) == 0 {
		return words(rag.NothingFound)
	}
	markers := map[int]int{} // by passage, in the order of their first appearance
	var out []rag.Piece
	for i, c := range chosen {
		if markers[c.passage] == 0 {
			markers[c.passage] = len(markers) + 1
		}
		marker := markers[c.passage]
		text := c.said + " [" + strconv.Itoa(marker) + "]"
		if i+1 < len(chosen) {
			text += " "
		}
		pieces := words(text)
		pieces[len(pieces)-1].Citations = []rag.Citation{c.citation(marker, p.Passages[c.passage])}
		out = append(out, pieces...)
	}
	return out
}

// markerLength is what a marker adds to a unit: " [1] ".
const markerLength = 5

// words are the words of text, each with the space behind it.
func words(text string) []rag.Piece {
	var out []rag.Piece
	for word := range strings.SplitAfterSeq(text, " ") {
		if word != "" {
			out = append(out, rag.Piece{Text: word})
		}
	}
	return out
}

// choose picks the units of the answer: the best one, and those nearly as good. Those of a passage stand together in
// their order, the passage of the best one first. It picks none when the best one is too weak to be an answer.
func choose(q *question) []*candidate {
	ranked := q.rank()
	if len(ranked) == 0 || !q.answeredBy(ranked[0]) {
		return nil
	}
	var chosen []*candidate
	length := 0
	for _, c := range ranked {
		if len(chosen) == maxUnits || length >= enoughAnswer || c.score < minShare*ranked[0].score {
			break
		}
		size := utf8.RuneCountInString(c.said) + markerLength
		said := func(o *candidate) bool { return o.said == c.said || q.saidBy(o, c) }
		if length+size > maxAnswer && length > 0 || slices.ContainsFunc(chosen, said) {
			continue
		}
		chosen = append(chosen, c)
		length += size
	}
	first := map[int]int{} // the place of the best unit of each passage
	for i, c := range slices.Backward(chosen) {
		first[c.passage] = i
	}
	slices.SortStableFunc(chosen, func(a, b *candidate) int {
		if a.passage != b.passage {
			return first[a.passage] - first[b.passage]
		}
		return a.unit.Span.Start - b.unit.Span.Start
	})
	return chosen
}

// saidBy says whether c adds nothing to a unit of the same passage that holds all that c does of the question, and more:
// when both are rows, or when the other one holds nearly all of the question.
func (q *question) saidBy(o, c *candidate) bool {
	if o.passage != c.passage {
		return false
	}
	if isRow(o) && isRow(c) && less(q, c.named, o.named) {
		return true
	}
	own := func(word int) float64 { return c.own[word] }
	other := func(word int) float64 { return o.own[word] }
	if o.unit.Kind == segment.Row || o.unit.Kind == segment.Values { // which are said with the names of their columns
		other = o.named
	}
	return less(q, own, other) && q.weigh(other) >= nearlyAll*q.total
}

// less says whether a holds nothing of the question that b does not hold, and not all of it.
func less(q *question, a, b func(word int) float64) bool {
	less := false
	for word := range q.rarity {
		if a(word) > b(word) {
			return false
		}
		less = less || a(word) < b(word)
	}
	return less
}

func isRow(c *candidate) bool {
	return c.unit.Kind == segment.Row || c.unit.Kind == segment.Values || c.unit.Kind == segment.Record
}

// named is how well a word is found in a row or in the names that it is said with.
func (c *candidate) named(word int) float64 { return max(c.own[word], c.context[word]) }
