package terms

import (
	"unicode"
	"unicode/utf8"
)

// script groups characters by how words are made of them.
type script uint8

const (
	// spaced scripts part their words.
	spaced script = iota
	han
	hiragana
	katakana
	hangul
	// southEast is Thai, Lao, Khmer, Myanmar and their relatives: letters with marks, and few spaces.
	southEast
)

// IsPair says whether a term is a pair of characters of a script without spaces. Pairs overlap: a word of these scripts makes
// about twice as many as it would be words.
func IsPair(term string) bool {
	first, size := utf8.DecodeRuneInString(term)
	next, _ := utf8.DecodeRuneInString(term[size:])
	return scriptOf(first) != spaced && scriptOf(next) != spaced && size < len(term)
}

// maxCluster bounds a character with its marks, in bytes.
const maxCluster = 24

// scriptOf says how words are made of r. Marks count as spaced; they belong to what they stand on.
func scriptOf(r rune) script {
	switch {
	case r < 0x0E00:
		return spaced
	case r < 0x0F00:
		return letterOf(r, southEast)
	case r < 0x1000:
		return spaced
	case r <= 0x109F, r >= 0x1780 && r <= 0x17FF, r >= 0x1950 && r <= 0x19DF, r >= 0x1A20 && r <= 0x1AAF,
		r >= 0xA9E0 && r <= 0xA9FF, r >= 0xAA60 && r <= 0xAADF:
		return letterOf(r, southEast)
	case r >= 0x1100 && r <= 0x11FF, r >= 0xAC00 && r <= 0xD7FF:
		return hangul
	case r < 0x2E80:
		return spaced
	case r >= 0x3041 && r <= 0x3096, r >= 0x309D && r <= 0x309F:
		return hiragana
	case r >= 0x30A1 && r <= 0x30FA, r >= 0x30FC && r <= 0x30FF, r >= 0x31F0 && r <= 0x31FF:
		return katakana
	case r >= 0x3400 && r <= 0x4DBF, r >= 0x4E00 && r <= 0x9FFF, r >= 0xF900 && r <= 0xFAFF, r >= 0x20000 && r <= 0x3FFFF,
		r == '々', r == '〇', r == '〆':
		return han
	case r >= 0x3000 && r < 0xA000:
		if unicode.Is(unicode.Han, r) { // radicals
			return han
		}
	}
	return spaced
}

// letterOf leaves digits and punctuation of a script to the rules for all scripts.
func letterOf(r rune, s script) script {
	if unicode.IsLetter(r) {
		return s
	}
	return spaced
}

// singles says whether an index holds each character of the script alone too: there it is often a word.
func (s script) singles() bool { return s == han || s == hangul }

// pairs says whether characters of two scripts that follow on each other make a pair. Of mixed ones only a stem with its
// ending does; elsewhere a change of script is the end of a word.
func pairs(a, b script) bool { return a == b || a == han && b == hiragana }

// Weights of pairs in a query.
const (
	// weightEnding is that of a character with the beginning of its ending.
	weightEnding = 0.5
	// weightHiragana is that of two hiragana, which are seldom a word and often a part of grammar.
	weightHiragana = 0.4
)

// grams is what is known of the characters that were read last in a script without spaces.
type grams struct {
	// last is the last character, which ends at the place where the next one must begin to make a pair with it.
	last       string
	script     script
	start, end int // in the text
	runEnd     int // in the run; -1 when the run was cut behind the character
	// run counts the characters of one script, and alone says that the last one is in no pair yet.
	run   int
	alone bool
}

// addGram takes a character of the run, with its marks, and emits the pair that it makes with the one before it, and
// itself.
func (s *scanner) addGram(sc script, from, to int) {
	g := &s.grams
	text := string(s.run.text[from:to])
	start, end := s.run.original(from, to)
	follows := g.last != "" && (g.runEnd == from || g.runEnd < 0 && from == 0)
	if follows && pairs(g.script, sc) {
		s.emitPair(g, sc, text, end)
	}
	if !follows || g.script != sc {
		s.endGramRun()
		g.run = 0
	}
	*g = grams{last: text, script: sc, start: start, end: end, runEnd: to, run: g.run + 1, alone: !follows || !pairs(g.script, sc)}
	if to == len(s.run.text) {
		g.runEnd = -1
	}
	if sc.singles() {
		s.emitSingle(g, 0)
	}
}

func (s *scanner) emitPair(g *grams, next script, text string, end int) {
	g.alone = false
	w := &s.word
	pair := g.last + text
	weight := 1.0
	switch {
	case g.script == hiragana:
		weight = weightHiragana
	case g.script != next:
		weight = weightEnding
	}
	*w = word{start: g.start, end: end, stop: stopPairs[pair], forms: append(w.forms[:0], form{text: pair, weight: weight})}
	s.emit(w)
}

func (s *scanner) emitSingle(g *grams, weight float64) {
	w := &s.word
	*w = word{start: g.start, end: g.end, stop: g.script == hiragana || stopPairs[g.last],
		forms: append(w.forms[:0], form{text: g.last, weight: weight})}
	s.emit(w)
}

// endGramRun emits the only character of a stretch of one script.
func (s *scanner) endGramRun() {
	g := &s.grams
	switch {
	case g.last == "" || g.run != 1:
	case g.script.singles():
		if s.surface { // of a query; an index has it already
			s.emitSingle(g, 1)
		}
	case g.alone:
		s.emitSingle(g, 1)
	}
}

// endGrams ends a stretch of characters of scripts without spaces.
func (s *scanner) endGrams() {
	s.endGramRun()
	s.grams = grams{}
}
