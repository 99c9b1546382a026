package models

import (
	"math"
	"unicode/utf8"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

const (
	// A word that looks like a form of an asked one counts at most this, where the analyser knows no better: it stems in the
	// configured languages alone.
	alikeWeight = 0.5
	// Two words look alike when they begin alike, with alikeLetters at least and with alikeShare of the longer one.
	alikeLetters = 4
	alikeShare   = 0.6
	// The passage of the best unit must hold this share of the question, weighed by rarity, or nothing is answered: less
	// where the endings of the question's language are not known and fewer of its words are found.
	minEvidenceUnknown = 0.3
	minEvidenceKnown   = 0.4
	// The best unit must be found by two words, or by one that is more than this share of the question.
	soleEvidence = 0.5
	// A pair of characters of a script without spaces tells half of what a word does: its neighbours have the same characters. Else a
	// common word of four characters weighs more than the only name in a question.
	pairWeight = 0.5
)

// question is a question with what was found to answer it.
type question struct {
	analyser *terms.Analyser
	// rarity is for each word of the question how much it tells (inverse document frequency); total is the sum.
	rarity []float64
	total  float64
	// sizes are for each word what share of one it is, below 1 for a pair of characters; size is the sum.
	sizes []float64
	size  float64
	// surfaces are the words as they were written; forms are the terms that each is found by.
	surfaces []string
	forms    map[string][]form
	// similar remembers the words that look like asked ones.
	similar map[string][]form
	// known says that the analyser knows the language of the question.
	known      bool
	candidates []*candidate
}

// form is a word of the question that a term is found for, with what finding it counts for: up to 1.
type form struct {
	word   int
	weight float64
}

// matches are how well each word of a question is found in something: 0 to 1.
type matches []float64

func newQuestion(a *terms.Analyser, p rag.Prompt) *question {
	q := &question{
		analyser: a,
		forms:    map[string][]form{},
		similar:  map[string][]form{},
		known:    a.Detect(p.Query) != terms.Undetermined,
	}
	var holding []float64
	for _, t := range a.Query(p.Query) {
		if t.Word == len(q.surfaces) {
			q.surfaces = append(q.surfaces, t.Text)
			holding = append(holding, 0)
		}
		q.forms[t.Text] = append(q.forms[t.Text], form{word: t.Word, weight: t.Weight})
		holding[t.Word] = max(holding[t.Word], t.Weight*float64(p.Statistics.Holding[t.Text]))
	}
	for word, n := range holding {
		n = max(n, 1) // a word that nobody wrote is as rare as one that one passage has: it may be the question's own
		all := max(float64(p.Statistics.Chunks), n)
		rarity := math.Log(1 + (all-n+0.5)/(n+0.5))
		size := 1.0
		if terms.IsPair(q.surfaces[word]) {
			size = pairWeight
		}
		rarity *= size
		q.sizes = append(q.sizes, size)
		q.size += size
		q.rarity = append(q.rarity, rarity)
		q.total += rarity
	}
	seen := map[string]bool{}
	for n, c := range p.Passages {
		q.read(n, c, seen)
	}
	return q
}

// match is how well the question is found in text.
func (q *question) match(text string) matches {
	m := make(matches, len(q.rarity))
	if text != "" {
		q.matchWords(q.analyser.Words(text, ""), m)
	}
	return m
}

// matchWords raises m by the words, and returns how many of them carry meaning.
func (q *question) matchWords(found []terms.Word, m matches) int {
	count := 0
	for _, w := range found {
		if w.Stop || len(w.Terms) == 0 {
			continue
		}
		count++
		exact := false
		for _, t := range w.Terms {
			for _, f := range q.forms[t] {
				m[f.word] = max(m[f.word], f.weight)
				exact = true
			}
		}
		if !exact {
			for _, f := range q.alike(w.Terms[0]) {
				m[f.word] = max(m[f.word], f.weight)
			}
		}
	}
	return count
}

// alike are the words of the question that a word looks like a form of.
func (q *question) alike(word string) []form {
	known, there := q.similar[word]
	if there {
		return known
	}
	for i, surface := range q.surfaces {
		if share := commonBeginning(surface, word); share > 0 {
			known = append(known, form{word: i, weight: alikeWeight * share})
		}
	}
	q.similar[word] = known
	return known
}

// commonBeginning is the share of the longer of two words that they begin with in common; 0 when it is small.
func commonBeginning(a, b string) float64 {
	n, letters := 0, 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		if utf8.RuneStart(a[n]) {
			letters++
		}
		n++
	}
	if letters < alikeLetters {
		return 0
	}
	share := float64(letters) / float64(max(utf8.RuneCountInString(a), utf8.RuneCountInString(b)))
	if share < alikeShare {
		return 0
	}
	return share
}

// weigh is the sum of the rarities of the question's words, each as far as found says that it is there.
func (q *question) weigh(found func(word int) float64) float64 {
	sum := 0.0
	for word, rarity := range q.rarity {
		sum += rarity * found(word)
	}
	return sum
}

// count is how many of the question's words are found.
func (q *question) count(found func(word int) float64) int {
	n := 0
	for word := range q.rarity {
		if found(word) > 0 {
			n++
		}
	}
	return n
}

// share is how much of the question's words is found, each like another.
func (q *question) share(found func(word int) float64) float64 {
	sum := 0.0
	for word, size := range q.sizes {
		if found(word) > 0 {
			sum += size
		}
	}
	return sum / q.size
}

// answeredBy says whether the best unit is evidence enough to answer at all.
func (q *question) answeredBy(best *candidate) bool {
	least := minEvidenceUnknown
	if q.known {
		least = minEvidenceKnown
	}
	if q.weigh(func(word int) float64 { return best.passageHolds[word] }) < least*q.total {
		return false
	}
	near := func(word int) float64 {
		return max(best.own[word], best.above(word), best.beside(-1, word), best.beside(1, word))
	}
	return q.count(near) >= min(2, len(q.rarity)) || q.weigh(near) > soleEvidence*q.total*(1+1e-9)
}
