package rag

import (
	"unicode/utf8"

	"github.com/ragservice/ragservice-operator/runtime/segment"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// quotable is a passage whose units are compared with claims. They are analysed once, at the first claim.
type quotable struct {
	chunk    Chunk
	analyser *terms.Analyser
	units    []quotableUnit
	words    map[string]bool
}

type quotableUnit struct {
	text string
	span Span
	// terms are the forms of its words, words how many carry meaning.
	terms map[string]bool
	words int
}

var english = terms.New([]string{"en"})

func newQuotable(c Chunk, a *terms.Analyser) *quotable {
	if a == nil {
		a = english
	}
	return &quotable{chunk: c, analyser: a}
}

func (q *quotable) read() {
	if q.units != nil {
		return
	}
	q.words = map[string]bool{}
	found := q.analyser.Words(q.chunk.Text, q.chunk.Language)
	at, characters := 0, 0
	advance := func(to int) int {
		for characters < to && at < len(q.chunk.Text) {
			_, size := utf8.DecodeRuneInString(q.chunk.Text[at:])
			at += size
			characters++
		}
		return at
	}
	for _, u := range q.chunk.PassageUnits() {
		start, end := advance(u.Span.Start), advance(u.Span.End)
		unit := quotableUnit{
			text:  q.chunk.Text[start:end],
			span:  Span{Start: q.chunk.Span.Start + u.Span.Start, End: q.chunk.Span.Start + u.Span.End},
			terms: map[string]bool{},
		}
		for len(found) > 0 && found[0].Start < end {
			if w := found[0]; w.Start >= start && !w.Stop && len(w.Terms) > 0 {
				unit.words++
				for _, t := range w.Terms {
					unit.terms[t], q.words[t] = true, true
				}
			}
			found = found[1:]
		}
		q.units = append(q.units, unit)
	}
}

// best is the unit that shares most words with the claim, with its place in the document; the first one when none shares
// any. Only the last sentence of the claim counts: it is what the marker stands behind.
func (q *quotable) best(claim string) (string, Span) {
	q.read()
	if len(q.units) == 0 {
		return q.chunk.Text, q.chunk.Span
	}
	wanted := q.analyser.Words(lastSentence(claim), "")
	best, bestScore := 0, 0.0
	for i, u := range q.units {
		shared, words := 0, 0
		for _, w := range wanted {
			if w.Stop {
				continue
			}
			words++
			for _, t := range w.Terms {
				if u.terms[t] {
					shared++
					break
				}
			}
		}
		// Shared words weigh double against the length of both (Dice), so that a long unit does not win by its length.
		if score := 2 * float64(shared) / float64(u.words+words+1); score > bestScore {
			best, bestScore = i, score
		}
	}
	return q.units[best].text, q.units[best].span
}

// lastSentence is the last unit of a part of an answer.
func lastSentence(claim string) string {
	last := claim
	for u := range segment.Units(claim) {
		last = claim[u.Start:u.End]
	}
	return last
}

// hasWord says whether the passage has the word.
func (q *quotable) hasWord(word string) bool {
	q.read()
	for _, w := range q.analyser.Words(word, "") {
		for _, t := range w.Terms {
			if q.words[t] {
				return true
			}
		}
	}
	return false
}
