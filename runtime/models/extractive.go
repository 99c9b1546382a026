package models

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// extractiveSentences is the most sentences of an answer: more is a search result, not an answer.
	extractiveSentences = 3
	// A sentence of fewer terms than this is a heading or a fragment.
	minSentenceTerms = 4
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
	score             float64
}

// Generate implements rag.Generator. It never fails but with the error of emit or ctx.
func (Extractive) Generate(ctx context.Context, p rag.Prompt, emit func(string) error) (rag.Completion, error) {
	out := rag.Completion{Model: p.Model, FinishReason: "stop"}
	chosen := choose(p)
	for i, c := range chosen {
		sentence := c.text + " [" + strconv.Itoa(c.passage+1) + "]"
		if i+1 < len(chosen) {
			sentence += " "
		}
		for token := range strings.SplitAfterSeq(sentence, " ") {
			if token == "" {
				continue
			}
			if len(out.Tokens) == p.MaxTokens {
				out.FinishReason = "length"
				return out, nil
			}
			if err := ctx.Err(); err != nil {
				return rag.Completion{}, err
			}
			out.Tokens = append(out.Tokens, token)
			if err := emit(token); err != nil {
				return rag.Completion{}, err
			}
		}
	}
	return out, nil
}

// choose picks the sentences of the answer: the best one, and those nearly as good that say something else.
func choose(p rag.Prompt) []candidate {
	all := candidates(p)
	score(all, rag.Terms(p.Query))
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

// markup says whether a sentence is a heading, a table row, a picture or code of a Markdown document: words in a frame.
func markup(sentence string) bool {
	return strings.ContainsRune("#|`<┌│└├!", []rune(sentence)[0])
}

// candidates are the sentences of the passages that are prose; all of them, when none is.
func candidates(p rag.Prompt) []candidate {
	var all, long []candidate
	for n, chunk := range p.Passages {
		for _, s := range rag.Sentences(chunk.Text) {
			c := candidate{passage: n, position: s.Span.Start, text: clean(s.Text), terms: map[string]bool{}}
			for _, t := range rag.Terms(s.Text) {
				c.terms[t] = true
			}
			all = append(all, c)
			if len(c.terms) >= minSentenceTerms && !markup(s.Text) {
				long = append(long, c)
			}
		}
	}
	if len(long) > 0 {
		return long
	}
	return all
}

// clean is a sentence on one line, without the mark of a list item and without brackets that look like a citation.
func clean(sentence string) string {
	sentence = strings.TrimLeft(sentence, "-*> ")
	return bracketed.ReplaceAllString(strings.Join(strings.Fields(sentence), " "), "($1)")
}

// score weighs the words that a sentence shares with the question by how rare they are among the candidates (the
// inverse document frequency of BM25), damps long sentences, and favours passages that were found first.
func score(all []candidate, query []string) {
	frequency := map[string]int{}
	for _, c := range all {
		for t := range c.terms {
			frequency[t]++
		}
	}
	wanted := map[string]bool{}
	for _, t := range query {
		wanted[t] = true
	}
	for i := range all {
		c := &all[i]
		for t := range wanted {
			if c.terms[t] {
				c.score += math.Log(1 + (float64(len(all)-frequency[t])+0.5)/(float64(frequency[t])+0.5))
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
