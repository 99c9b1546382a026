package models

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// extractiveSentences is the most sentences of an answer: more is a search result, not an answer.
	extractiveSentences = 3
	// A sentence of fewer terms than this is a heading or a fragment.
	minSentenceTerms = 3
	// A further sentence must score at least this share of the best one.
	extractiveShare = 0.6
)

// bracketed are markers in a passage's own text, which would be taken for citations.
var bracketed = regexp.MustCompile(`\[(\d{1,3})\]`)

// Extractive answers without a model: with the sentences of the passages that match the question best, word for word
// and cited, in the order of the passages.
type Extractive struct{}

type candidate struct {
	passage, position int
	text              string
	terms             map[string]bool
	// heading are the terms of the heading that the sentence stands under.
	heading map[string]bool
	score   float64
}

// Generate implements rag.Generator. It never fails but with the error of emit or ctx.
func (Extractive) Generate(ctx context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	out := rag.Completion{Model: p.Model, FinishReason: rag.FinishStop}
	chosen := choose(p)
	for i, c := range chosen {
		sentence := c.text + " [" + strconv.Itoa(c.passage+1) + "]"
		if i+1 < len(chosen) {
			sentence += " "
		}
		for text := range strings.SplitAfterSeq(sentence, " ") {
			if text == "" {
				continue
			}
			if len(out.Pieces) == p.MaxTokens {
				out.FinishReason = "length"
				return out, nil
			}
			if err := ctx.Err(); err != nil {
				return rag.Completion{}, err
			}
			piece := rag.Piece{Text: text}
			out.Pieces = append(out.Pieces, piece)
			if err := emit(piece); err != nil {
				return rag.Completion{}, err
			}
		}
	}
	return out, nil
}

// choose picks the sentences of the answer: the best one, and those nearly as good that say something else.
func choose(p rag.Prompt) []candidate {
	all := candidates(p)
	score(all, termSet(p.Query))
	slices.SortStableFunc(all, func(a, b candidate) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		default:
			return 0
		}
	})
	var chosen []candidate
	for _, c := range all {
		if len(chosen) == extractiveSentences || len(chosen) > 0 && c.score < extractiveShare*chosen[0].score {
			break
		}
		if !slices.ContainsFunc(chosen, func(o candidate) bool { return overlap(o.terms, c.terms) > 0.7 }) {
			chosen = append(chosen, c)
		}
	}
	slices.SortFunc(chosen, func(a, b candidate) int {
		if a.passage != b.passage {
			return a.passage - b.passage
		}
		return a.position - b.position
	})
	return chosen
}

// candidates are the sentences of the passages that are prose; all of them, when none is.
func candidates(p rag.Prompt) []candidate {
	var all, prose []candidate
	for n, chunk := range p.Passages {
		var heading map[string]bool
		code := false
		for _, s := range rag.Sentences(chunk.Text) {
			c := candidate{passage: n, position: s.Span.Start, text: clean(s.Text), terms: termSet(s.Text), heading: heading}
			all = append(all, c)
			fenced := code || strings.HasPrefix(s.Text, "```")
			if strings.Count(s.Text, "```")%2 == 1 {
				code = !code
			}
			switch {
			case strings.HasPrefix(s.Text, "#"):
				heading = c.terms
			case !fenced && len(c.terms) >= minSentenceTerms && !framed(s.Text):
				prose = append(prose, c)
			}
		}
	}
	if len(prose) > 0 {
		return prose
	}
	return all
}

// framed says whether a sentence is a table row, a picture or code: words in a frame.
func framed(sentence string) bool {
	first, _ := utf8.DecodeRuneInString(sentence)
	return strings.ContainsRune("|`<┌│└├!", first)
}

func termSet(text string) map[string]bool {
	set := map[string]bool{}
	for _, t := range rag.Terms(text) {
		set[t] = true
	}
	return set
}

// clean is a sentence on one line, without the mark of a list item and without brackets that look like a citation.
func clean(sentence string) string {
	sentence = strings.TrimLeft(sentence, "-*> ")
	return bracketed.ReplaceAllString(strings.Join(strings.Fields(sentence), " "), "($1)")
}

// headingWeight is what a word of the question counts that stands in the heading above a sentence, not in it.
const headingWeight = 0.7

// score weighs the words that a sentence shares with the question by how rare they are among the candidates (the
// inverse document frequency of BM25), damps long sentences, and favours passages that were found first.
func score(all []candidate, wanted map[string]bool) {
	frequency := map[string]int{}
	for _, c := range all {
		for t := range c.terms {
			frequency[t]++
		}
	}
	for i := range all {
		c := &all[i]
		for t := range wanted {
			rarity := math.Log(1 + (float64(len(all)-frequency[t])+0.5)/(float64(frequency[t])+0.5))
			switch {
			case c.terms[t]:
				c.score += rarity
			case c.heading[t]:
				c.score += headingWeight * rarity
			}
		}
		c.score /= math.Sqrt(float64(len(c.terms) + 8))
		c.score *= 1 / (1 + 0.15*float64(c.passage))
	}
}

// overlap is the share of the smaller set that the sets have in common.
func overlap(a, b map[string]bool) float64 {
	shared := 0
	for t := range a {
		if b[t] {
			shared++
		}
	}
	return float64(shared) / float64(max(1, min(len(a), len(b))))
}
