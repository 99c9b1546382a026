package models

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/segment"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// What a word of the question counts that is not in a unit but near it. All are flat around these values on the questions
// of test/quality; without any of them an answer in 20 is lost.
const (
	contextWeight = 0.8 // what introduces or defines it, the names of its columns, its keys
	headingWeight = 0.4
	askingWeight  = 0.8 // a heading that holds nearly all of the question
	titleWeight   = 0.5
	beforeWeight  = 0.4 // the unit before it: an answer often follows what was asked for
	secondWeight  = 0.15
	// passageWeight is what the share of the question counts that the whole passage holds.
	passageWeight = 0.25
	// A unit of usualWords counts half of one without words: long ones hold more words by chance (as in BM25).
	usualWords = 18
	// rankWeight lowers what was found later.
	rankWeight = 0.03
)

// candidate is a unit of a passage that may be part of the answer.
type candidate struct {
	passage int
	unit    rag.Unit
	// quote is the text of the unit, said what a person reads.
	quote, said string
	// own are the words of the question in the unit, context, heading and title those in what it stands under.
	own, context, heading, title matches
	// asked is what the heading right above the unit holds of the question, when it is one and that is nearly all: the unit answers
	// it then, in whatever words.
	asked matches
	// words is how many words of meaning the unit has.
	words int
	// units are those of the passage that can answer, place this one's among them.
	units []*candidate
	place int
	// passageHolds are the words of the question in the whole passage.
	passageHolds matches
	score        float64
}

func (c *candidate) citation(marker int, from rag.Chunk) rag.Citation {
	return rag.Citation{
		Marker:     marker,
		ChunkID:    from.ID,
		DocumentID: from.DocumentID,
		Title:      from.Title,
		URL:        from.URL,
		Span:       rag.Span{Start: from.Span.Start + c.unit.Span.Start, End: from.Span.Start + c.unit.Span.End},
		Quote:      c.quote,
	}
}

// beside is how well a word of the question is found in the unit by places further on.
func (c *candidate) beside(by, word int) float64 {
	if at := c.place + by; at >= 0 && at < len(c.units) {
		return c.units[at].own[word]
	}
	return 0
}

// above is how well a word of the question is found in what the unit stands under.
func (c *candidate) above(word int) float64 {
	return max(c.context[word], c.heading[word], c.title[word])
}

// read takes the units of a passage for candidates. One that shares no word with the question is none, unless the one
// before it introduces it, or asks for it, and does: then they are one; or it is the first under a heading that asks the same, as in a list of
// questions and answers. What was seen in another passage of the document is not taken again.
func (q *question) read(n int, c rag.Chunk, seen map[string]bool) {
	units := q.units(n, c)
	holds := make(matches, len(q.rarity))
	for _, u := range units {
		for word := range holds {
			holds[word] = max(holds[word], u.own[word], u.above(word))
		}
	}
	for i, u := range units {
		u.units, u.place, u.passageHolds = units, i, holds
	}
	for i, u := range units {
		if u.introduces() || u.asks() && i+1 < len(units) && !units[i+1].shares() {
			continue
		}
		if !u.shares() && i > 0 && (units[i-1].introduces() || units[i-1].asks()) && units[i-1].shares() {
			u = u.behind(units[i-1], c.Text)
		}
		if !u.shares() && u.asked != nil {
			answer := *u
			answer.own = u.asked
			u = &answer
		}
		key := c.DocumentID + "\x00" + u.quote
		if seen[key] || !u.shares() {
			continue
		}
		seen[key] = true
		u.said = say(u.unit, u.quote)
		q.candidates = append(q.candidates, u)
	}
}

// behind is the unit together with the one before it, which introduces it; itself when both would be too long.
func (c *candidate) behind(intro *candidate, passage string) *candidate {
	both := *c
	both.unit.Span.Start = intro.unit.Span.Start
	both.unit.Kind, both.unit.Context = segment.Sentence, ""
	texts, _ := unitTexts(passage, rag.Units{both.unit})
	if both.quote = texts[0]; len(both.quote) > segment.MaxUnit {
		return c
	}
	both.own, both.words = intro.own, intro.words+c.words
	return &both
}

// shares says whether the unit itself has a word of the question.
func (c *candidate) shares() bool {
	return slices.ContainsFunc(c.own, func(v float64) bool { return v > 0 })
}

// introduces says whether a unit only introduces what follows it.
func (c *candidate) introduces() bool {
	return c.unit.Kind == segment.Sentence && (strings.HasSuffix(c.quote, ":") || strings.HasSuffix(c.quote, "："))
}

// asks says whether the unit is a question: what answers it often stands behind it, in other words.
func (c *candidate) asks() bool {
	return (c.unit.Kind == segment.Sentence || c.unit.Kind == segment.Record) && isQuestion(c.quote)
}

func isQuestion(text string) bool {
	last, _ := utf8.DecodeLastRuneInString(strings.TrimRight(text, "*_")) // it may be in bold
	return strings.ContainsRune("?？؟", last)
}

// units are the units of a passage that can answer, with where the question is found.
func (q *question) units(n int, c rag.Chunk) []*candidate {
	all := c.PassageUnits()
	texts, ends := unitTexts(c.Text, all)
	found := q.analyser.Words(c.Text, c.Language)
	title := q.match(c.Title)
	headings := q.headingsAbove(c)
	contexts := map[string]matches{}
	out := make([]*candidate, 0, len(all))
	var asked matches
	for i, u := range all {
		own := make(matches, len(q.rarity))
		var mine []terms.Word
		mine, found = wordsIn(found, ends[i]-len(texts[i]), ends[i])
		words := q.matchWords(mine, own)
		switch {
		case u.Kind == segment.Heading:
			headings.add(u.Level, own)
			if asked = nil; isQuestion(texts[i]) && q.weigh(func(word int) float64 { return own[word] }) >= nearlyAll*q.total {
				asked = own
			}
		case u.Kind.Answers():
			if contexts[u.Context] == nil {
				contexts[u.Context] = q.match(u.Context)
			}
			out = append(out, &candidate{
				passage: n, unit: u, quote: texts[i], words: words,
				own: own, context: contexts[u.Context], heading: headings.path(), title: title, asked: asked,
			})
			asked = nil
		}
	}
	return out
}

// wordsIn are the words that begin in [start,end), and those behind them.
func wordsIn(all []terms.Word, start, end int) (in, behind []terms.Word) {
	for len(all) > 0 && all[0].Start < start {
		all = all[1:]
	}
	n := 0
	for n < len(all) && all[n].Start < end {
		n++
	}
	return all[:n], all[n:]
}

// headings are the headings that a place in a passage stands under.
type headings struct {
	levels []int
	// paths are for each level what is found in it and those above.
	paths []matches
}

// headingsAbove are those that the passage begins under. How deep each is in the document is not known: they count as the
// first levels, which is what most documents have.
func (q *question) headingsAbove(c rag.Chunk) *headings {
	h := &headings{levels: []int{0}, paths: []matches{make(matches, len(q.rarity))}}
	for i, text := range c.Headings() {
		h.add(i+1, q.match(text))
	}
	return h
}

func (h *headings) add(level int, m matches) {
	for len(h.levels) > 1 && h.levels[len(h.levels)-1] >= level {
		h.levels, h.paths = h.levels[:len(h.levels)-1], h.paths[:len(h.paths)-1]
	}
	path := slices.Clone(m)
	for word, v := range h.path() {
		path[word] = max(path[word], v)
	}
	h.levels, h.paths = append(h.levels, level), append(h.paths, path)
}

func (h *headings) path() matches { return h.paths[len(h.paths)-1] }

// rank scores the candidates and returns them best first; those of equal score in the order of the passages.
func (q *question) rank() []*candidate {
	for _, c := range q.candidates {
		heading := headingWeight
		if q.weigh(func(word int) float64 { return c.heading[word] }) >= nearlyAll*q.total {
			heading = askingWeight
		}
		here := q.weigh(func(word int) float64 {
			return max(
				c.own[word], contextWeight*c.context[word], heading*c.heading[word], titleWeight*c.title[word],
				beforeWeight*c.beside(-1, word), secondWeight*c.beside(-2, word),
			)
		})
		// Of two units with as much of the question by rarity, the one with more of its words is about it.
		here *= math.Sqrt(q.share(c.named))
		passage := q.weigh(func(word int) float64 { return c.passageHolds[word] })
		c.score = here*usualWords/(usualWords+float64(c.words)) + passageWeight*passage
		c.score /= 1 + rankWeight*float64(c.passage)
	}
	ranked := slices.Clone(q.candidates)
	slices.SortStableFunc(ranked, func(a, b *candidate) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		default:
			return 0
		}
	})
	return ranked
}

// bracketed are markers in a passage's own text, which would be taken for citations.
var bracketed = regexp.MustCompile(`\[(\d{1,3})\]`)

// escapes are characters that JSON writes in digits.
var escapes = regexp.MustCompile(`(\\u[0-9a-fA-F]{4})+`)

func unescaped(s string) string {
	var characters string
	if json.Unmarshal([]byte(`"`+s+`"`), &characters) != nil || strings.ContainsFunc(characters, unicode.IsControl) {
		return s
	}
	return characters
}

// say is a unit as a person reads it: on one line, a row with the names of its columns, a record with its keys, and
// without brackets that look like a citation.
func say(u rag.Unit, quote string) string {
	text := quote
	switch {
	case u.Kind == segment.Row:
		text = named(segment.Cells(u.Context), segment.Cells(quote))
	case u.Kind == segment.Values:
		text = named(segment.Columns(u.Context, quote))
	case u.Kind == segment.Record && u.Context != "":
		text = strings.TrimSuffix(u.Context, ":") + ": " + quote
		if last := u.Context[len(u.Context)-1]; strings.IndexByte(".!?", last) >= 0 {
			text = u.Context + " " + quote
		}
	}
	if u.Kind == segment.Record {
		text = escapes.ReplaceAllStringFunc(text, unescaped)
	}
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text)+markerLength > maxAnswer {
		text = strings.Join(strings.Fields(quote), " ") // a unit alone always fits
	}
	return bracketed.ReplaceAllString(text, "($1)")
}

// named joins the cells of a row, each with the name of its column where there is one.
func named(columns, cells []string) string {
	var out []string
	for i, cell := range cells {
		switch {
		case cell == "":
		case i < len(columns) && columns[i] != "" && len(cells) <= len(columns):
			out = append(out, columns[i]+": "+cell)
		default:
			out = append(out, cell)
		}
	}
	return strings.Join(out, ", ")
}

// unitTexts are the texts of the units of a passage, and where in it they end, in bytes.
func unitTexts(text string, units rag.Units) (texts []string, ends []int) {
	at, characters := 0, 0
	advance := func(to int) int {
		for characters < to && at < len(text) {
			_, size := utf8.DecodeRuneInString(text[at:])
			at += size
			characters++
		}
		return at
	}
	for _, u := range units {
		start, end := advance(u.Span.Start), advance(u.Span.End)
		texts, ends = append(texts, text[start:end]), append(ends, end)
	}
	return texts, ends
}
