package rag

import (
	"strings"
	"unicode/utf8"

	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// Citer finds the citations of an answer while it is written: each marker that names a passage, with the unit of the
// passage that supports what stands before it. A marker in code is none, nor is the text of a link, an index ("argv[1]")
// or the beginning of a footnote. Fed the same text it finds the same citations, however the tokens are cut.
type Citer struct {
	passages []*quotable
	text     strings.Builder
	// claim is the part of the answer that the last marker stands behind, markerEnd where that marker ended.
	claim     Span
	markerEnd int
	// scanned is up to where markers were looked for, code the state there.
	scanned int
	code    codeState
	seen    map[citedPlace]bool
	ended   bool
}

type citedPlace struct {
	marker int
	span   Span
}

// NewCiter makes a Citer for an answer from passages, in the order in which the answer numbers them. The analyser is the
// one of the index; nil means one for English.
func NewCiter(passages []Chunk, a *terms.Analyser) *Citer {
	c := &Citer{seen: map[citedPlace]bool{}, code: codeState{lineBegins: true}}
	for _, chunk := range passages {
		c.passages = append(c.passages, newQuotable(chunk, a))
	}
	return c
}

// Feed takes the next token of the answer and returns the citations that are certain with it: what follows a marker tells
// what it is. A place that was cited before is not returned again.
func (c *Citer) Feed(token string) []Citation {
	c.text.WriteString(token)
	return c.scan()
}

// Waits says whether the text ends in what may be a marker.
func (c *Citer) Waits() bool { return c.scanned < c.text.Len() }

// Close ends the answer and returns the citations that its last token completes.
func (c *Citer) Close() []Citation {
	c.ended = true
	return c.scan()
}

func (c *Citer) scan() []Citation {
	text := c.text.String()
	var found []Citation
	for c.scanned < len(text) {
		at := strings.IndexAny(text[c.scanned:], markerStarts+"`\n")
		if at < 0 {
			c.advance(text, wholeCharacters(text))
			return found
		}
		c.advance(text, c.scanned+at)
		if text[c.scanned] == '`' || text[c.scanned] == '\n' {
			end := c.scanned + 1
			for end < len(text) && text[end] == text[c.scanned] {
				end++
			}
			if end == len(text) && text[c.scanned] == '`' && !c.ended {
				return found // the run may go on
			}
			c.advance(text, end)
			continue
		}
		length, numbers, complete := readMarker(text[c.scanned:])
		after := c.scanned + length
		if !c.ended && (!complete || length > 0 && after == len(text)) {
			return found
		}
		if length > 0 && c.code.ticks == 0 && !c.isOther(text, c.scanned, after) {
			found = append(found, c.citeAll(text, c.scanned, after, numbers)...)
		}
		_, size := utf8.DecodeRuneInString(text[c.scanned:])
		c.advance(text, c.scanned+max(length, size))
	}
	return found
}

func (c *Citer) advance(text string, to int) {
	c.code.pass(text[c.scanned:to])
	c.scanned = to
}

// wholeCharacters is the length of text without the beginning of a character at its end.
func wholeCharacters(text string) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if utf8.RuneStart(text[len(text)-n]) {
			if !utf8.FullRuneInString(text[len(text)-n:]) {
				return len(text) - n
			}
			break
		}
	}
	return len(text)
}

// isOther says whether what looks like a marker is something else: a link or its target, an index, escaped brackets.
func (c *Citer) isOther(text string, start, end int) bool {
	if text[start] != '[' {
		return false // nothing but markers stands between wide brackets
	}
	before, after := text[:start], text[end:]
	if strings.HasPrefix(after, "(") {
		return true
	}
	if line := before[strings.LastIndexByte(before, '\n')+1:]; strings.HasPrefix(after, ":") && strings.TrimSpace(line) == "" {
		return true // a footnote, or the target of a link
	}
	if before == "" || c.markerEnd == start && start > 0 {
		return false
	}
	last := before[len(before)-1]
	return last == '\\' || last == '_' || last == ')' || last == ']' || last == '$' || last < utf8.RuneSelf && isWordByte(last) && !c.endsClaim(before)
}

func isWordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// endsClaim says whether the word that before ends with is one of the passages': a marker is then glued to a claim
// ("for one hour[1]"), not to a name ("argv[1]").
func (c *Citer) endsClaim(before string) bool {
	start := len(before)
	for start > 0 && isWordByte(before[start-1]) {
		start--
	}
	for _, p := range c.passages {
		if p.hasWord(before[start:]) && !strings.Contains(p.chunk.Text, before[start:]+"[") {
			return true
		}
	}
	return false
}

func (c *Citer) citeAll(text string, start, end int, numbers []int) []Citation {
	var found []Citation
	for _, n := range numbers {
		if n < 1 || n > len(c.passages) {
			continue
		}
		if c.markerEnd != end {
			if c.markerEnd == 0 || strings.TrimSpace(text[c.markerEnd:start]) != "" { // markers in a row support the same words
				c.claim = Span{Start: c.markerEnd, End: start}
			}
			c.markerEnd = end
		}
		if citation, isNew := c.cite(n, text[c.claim.Start:c.claim.End]); isNew {
			found = append(found, citation)
		}
	}
	return found
}

func (c *Citer) cite(marker int, claim string) (Citation, bool) {
	chunk := c.passages[marker-1].chunk
	quote, span := c.passages[marker-1].best(claim)
	place := citedPlace{marker, span}
	if c.seen[place] {
		return Citation{}, false
	}
	c.seen[place] = true
	return Citation{
		Marker:     marker,
		ChunkID:    chunk.ID,
		DocumentID: chunk.DocumentID,
		Title:      chunk.Title,
		URL:        chunk.URL,
		Span:       span,
		Quote:      quote,
	}, true
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
