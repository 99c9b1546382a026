package rag

import (
	"strconv"
	"strings"
)

// Citer finds the citations of an answer while it is written: each [n] that names a passage, with the sentence of the
// passage that supports what stands before it. Fed the same tokens it finds the same citations at the same places.
type Citer struct {
	passages []Chunk
	text     strings.Builder
	// claim is the part of the answer that the last marker stands behind, markerEnd where that marker ended.
	claim     Span
	markerEnd int
	// scanned is up to where markers were looked for.
	scanned int
	seen    map[citedPlace]bool
}

type citedPlace struct {
	marker int
	span   Span
}

// NewCiter makes a Citer for an answer from passages, in the order in which the answer numbers them.
func NewCiter(passages []Chunk) *Citer {
	return &Citer{passages: passages, seen: map[citedPlace]bool{}}
}

// Feed takes the next token of the answer and returns the citations that it completes. A place that was cited before is
// not returned again.
func (c *Citer) Feed(token string) []Citation {
	c.text.WriteString(token)
	text := c.text.String()
	var found []Citation
	for {
		open := strings.IndexByte(text[c.scanned:], '[')
		if open < 0 {
			c.scanned = len(text)
			return found
		}
		open += c.scanned
		length, marker, complete := readMarker(text[open:])
		if !complete {
			c.scanned = open // the rest of the marker is still to come
			return found
		}
		c.scanned = open + length
		if marker < 1 || marker > len(c.passages) {
			continue
		}
		if c.markerEnd == 0 || strings.TrimSpace(text[c.markerEnd:open]) != "" { // markers in a row support the same words
			c.claim = Span{Start: c.markerEnd, End: open}
		}
		c.markerEnd = c.scanned
		if citation, isNew := c.cite(marker, text[c.claim.Start:c.claim.End]); isNew {
			found = append(found, citation)
		}
	}
}

// readMarker reads "[12]" at the start of s. It is not complete while more text could make it one.
func readMarker(s string) (length, marker int, complete bool) {
	const longest = len("[999]")
	for i := 1; i < min(len(s), longest); i++ {
		switch {
		case s[i] >= '0' && s[i] <= '9':
		case s[i] == ']' && i > 1:
			n, err := strconv.Atoi(s[1:i])
			if err != nil {
				return 1, 0, true
			}
			return i + 1, n, true
		default:
			return 1, 0, true
		}
	}
	return 1, 0, len(s) >= longest
}

func (c *Citer) cite(marker int, claim string) (Citation, bool) {
	chunk := c.passages[marker-1]
	quote := bestSentence(chunk.Text, claim)
	span := Span{Start: chunk.Span.Start + quote.Span.Start, End: chunk.Span.Start + quote.Span.End}
	place := citedPlace{marker, span}
	if c.seen[place] {
		return Citation{}, false
	}
	c.seen[place] = true
	return Citation{
		Marker: marker, ChunkID: chunk.ID, DocumentID: chunk.DocumentID, Title: chunk.Title, URL: chunk.URL,
		Span: span, Quote: quote.Text,
	}, true
}

// bestSentence is the sentence of text that shares most words with claim, or the whole text when none does. Only the
// last sentence of the claim counts: it is what the marker stands behind.
func bestSentence(text, claim string) Sentence {
	if all := Sentences(claim); len(all) > 0 {
		claim = all[len(all)-1].Text
	}
	wanted := map[string]bool{}
	for _, t := range Terms(claim) {
		wanted[t] = true
	}
	best, bestScore := Sentence{Text: text, Span: Span{End: len([]rune(text))}}, 0.0
	for _, s := range Sentences(text) {
		terms := Terms(s.Text)
		shared := map[string]bool{}
		for _, t := range terms {
			if wanted[t] {
				shared[t] = true
			}
		}
		// Shared words weigh double against the length of both (Dice), so that a long sentence does not win by its length.
		if score := 2 * float64(len(shared)) / float64(len(terms)+len(wanted)+1); score > bestScore {
			best, bestScore = s, score
		}
	}
	return best
}

// sources are the URL or id of each cited document, once, in order of first citation.
func sources(citations []Citation) []string {
	out := []string{}
	seen := map[string]bool{}
	for _, c := range citations {
		if seen[c.DocumentID] {
			continue
		}
		seen[c.DocumentID] = true
		if c.URL != "" {
			out = append(out, c.URL)
		} else {
			out = append(out, c.DocumentID)
		}
	}
	return out
}
