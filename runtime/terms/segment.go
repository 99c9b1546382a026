package terms

import (
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/cases"
)

// form is a term that stands for a word.
type form struct {
	text string
	// weight is what it counts for in a query; 0 keeps it out of queries.
	weight float64
}

// word is a word of a text. It is valid until the next one is read.
type word struct {
	start, end int
	stop       bool
	forms      []form
}

// scanner reads the words of one text after the other.
type scanner struct {
	// stemmers and stops (bits of languages) say whose endings are cut off and whose stop words there are.
	stemmers []*language
	stops    uint32
	// surface says that forms without stemming are wanted beside the stems.
	surface bool
	// mixed says that the text has lower-case letters, so that a word in capitals alone is a name.
	mixed bool

	emit   func(*word)
	run    normalized
	word   word
	fold   cases.Caser
	stems  map[stemKey]string
	grams  grams
	pieces []piece
	parts  []piece
}

// piece is a part of a run, in bytes.
type piece struct{ start, end int }

func newScanner() *scanner { return &scanner{fold: cases.Fold(), stems: map[stemKey]string{}} }

func (s *scanner) reset(text string) {
	s.stemmers, s.stops, s.surface = s.stemmers[:0], 0, false
	s.mixed = hasLower(text)
}

func hasLower(text string) bool {
	for _, r := range text {
		if r >= 'a' && r <= 'z' || r >= utf8.RuneSelf && unicode.IsLower(r) {
			return true
		}
	}
	return false
}

// scan calls emit for each word of text, in the order in which they begin, but for pairs and single characters that begin
// at the same place.
func (s *scanner) scan(text string, emit func(*word)) {
	s.emit = emit
	for place := 0; ; {
		start, end := nextRun(text, place)
		if start == end {
			break
		}
		if start != place || place == 0 {
			s.endGrams()
		}
		s.run.normalize(text[start:end], start)
		s.scanRun()
		place = end
	}
	s.endGrams()
	s.emit = nil
}

// scanRun cuts a run by UAX #29 and puts together again what only punctuation of compounds parts.
func (s *scanner) scanRun() {
	text := s.run.text
	s.pieces = s.pieces[:0]
	tokens := words.FromBytes(text)
	for tokens.Next() {
		for from, end := tokens.Start(), tokens.End(); from < end; {
			from = s.scanToken(from, end)
		}
	}
	s.endCompound()
}

// scanToken reads a part of a UAX #29 word of one kind of script and gives the place after it.
func (s *scanner) scanToken(from, end int) int {
	text := s.run.text
	r, size := utf8.DecodeRune(text[from:end])
	if sc := scriptOf(r); sc != spaced {
		s.endCompound()
		to := from + size
		for to < end && to-from < maxCluster {
			next, size := utf8.DecodeRune(text[to:end])
			if !unicode.Is(unicode.M, next) {
				break
			}
			to += size
		}
		s.addGram(sc, from, to)
		return to
	}
	if isSeparator(text[from]) {
		s.endGrams()
		s.endCompound()
		return from + size
	}
	to, spelled := from, false
	for to < end {
		r, size := utf8.DecodeRune(text[to:end])
		if scriptOf(r) != spaced || to > from && s.separates(from, to, end) {
			break
		}
		spelled = spelled || isLetterOrNumber(r)
		to += size
	}
	switch {
	case spelled:
		s.endGrams()
		s.pieces = append(s.pieces, piece{from, to})
	case isSymbol(r):
		s.endGrams()
		s.endCompound()
		s.emitSymbol(from, to)
	case !connects(text[from:to]):
		s.endGrams()
		s.endCompound()
	}
	return to
}

func isLetterOrNumber(r rune) bool {
	if r < utf8.RuneSelf {
		return isASCIIWord(byte(r)) //nolint:gosec // below 128
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r)
}

// isSymbol tells the symbols that people look for, pictures and currencies, from those that are set between words.
func isSymbol(r rune) bool {
	return r >= 0xA2 && r != '°' && unicode.In(r, unicode.So, unicode.Sc)
}

func (s *scanner) emitSymbol(from, to int) {
	w := s.begin(from, to)
	w.forms = append(w.forms, form{text: bounded(string(s.run.text[from:to])), weight: 1})
	s.emit(w)
}

// begin makes a word of a part of the run, in bytes.
func (s *scanner) begin(from, to int) *word {
	w := &s.word
	w.start, w.end = s.run.original(from, to)
	w.stop, w.forms = false, w.forms[:0]
	return w
}
