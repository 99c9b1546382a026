package terms

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxParts bounds the parts that a compound is cut into. What has more is no compound but encoded data, and is one term.
	maxParts = 12
	// maxCompound bounds a compound, in bytes.
	maxCompound = 256
)

// Weights of forms in a query.
const (
	// weightFolded is that of a form without its diacritics.
	weightFolded = 0.8
	// weightPart is that of a part of a name: the "user" of getUserById.
	weightPart = 0.5
	// weightBase is that of a word whose symbol changes its meaning: the "net" of .NET.
	weightBase = 0.5
)

// connects says whether punctuation between two words, without white space, makes a compound of them.
func connects(punctuation []byte) bool {
	return len(punctuation) == 1 && strings.IndexByte("-._/:@+#~\\=&%'$", punctuation[0]) >= 0 ||
		len(punctuation) == 2 && punctuation[0] == 0xC2 && punctuation[1] == 0xB0
}

// endCompound emits the words that were read, where something else begins.
func (s *scanner) endCompound() {
	if len(s.pieces) == 0 {
		return
	}
	from := 0
	for i := 1; i <= len(s.pieces); i++ {
		if i < len(s.pieces) && s.pieces[i].start-s.pieces[i-1].end <= maxConnector {
			continue
		}
		s.emitCompound(s.pieces[from:i])
		from = i
	}
	s.pieces = s.pieces[:0]
}

// maxConnector bounds the punctuation inside a compound, in bytes: "://".
const maxConnector = 3

// emitCompound emits what stands together, whole and in parts. Too long a compound is emitted as separate words.
func (s *scanner) emitCompound(pieces []piece) {
	first, last := pieces[0].start, pieces[len(pieces)-1].end
	s.cut(first, last)
	if len(pieces) > 1 && (last-first > maxCompound || len(s.parts) > maxParts) {
		for i := range pieces {
			s.emitCompound(pieces[i : i+1])
		}
		return
	}
	whole := string(s.run.text[first:last])
	if len(s.parts) == 1 && s.parts[0] == (piece{first, last}) {
		s.emitWord(whole, first, last)
		return
	}
	w := s.begin(first, last)
	folded := s.foldCase(whole)
	if s.isStop(folded, whole) {
		w.stop = true
		w.forms = append(w.forms, form{text: bounded(folded), weight: 1})
		s.emit(w)
		return
	}
	s.addSymbols(w, first, last)
	if stem, ok := strings.CutSuffix(folded, "'s"); ok && len(s.parts) > 1 {
		folded, whole = stem, whole[:len(stem)] // possessive
		s.parts = s.parts[:len(s.parts)-1]
		if len(s.parts) == 1 && len(stem) == s.parts[0].end-s.parts[0].start {
			s.addForms(w, folded, 1)
			s.emit(w)
			return
		}
	}
	joined := squeeze(folded)
	s.addForms(w, joined, 1)
	s.addNumbers(w, joined)
	s.addValues(w, folded)
	if len(s.parts) <= maxParts && strings.IndexFunc(folded, notOfNumber) >= 0 || isDotted(folded) {
		s.addParts(w, isLettersAnd(whole, "-'"))
	}
	s.emit(w)
}

// emitWord emits a word that has no parts.
func (s *scanner) emitWord(whole string, first, last int) {
	w := s.begin(first, last)
	folded := s.foldCase(whole)
	w.stop = s.isStop(folded, whole)
	if w.stop {
		w.forms = append(w.forms, form{text: bounded(folded), weight: 1})
	} else {
		base := 1.0
		if s.addSymbols(w, first, last) {
			base = weightBase
			if utf8.RuneCountInString(folded) == 1 {
				base = 0 // C++ is not found by C; C finds C++
			}
		}
		s.addForms(w, folded, base)
		s.addUnescaped(w, folded, first)
	}
	s.emit(w)
}

// addUnescaped adds a word that may begin behind the sign for a new line or a tab in JSON (\n, \r, \t). Queries leave it out.
func (s *scanner) addUnescaped(w *word, folded string, at int) {
	if at > 0 && s.run.text[at-1] == '\\' && len(folded) > 2 && strings.IndexByte("nrt", folded[0]) >= 0 {
		s.addForms(w, folded[1:], 0)
	}
}

// addSymbols adds the form with the symbols that belong to a name: C++, C#, .NET, --force, /etc/passwd. It says whether
// there is one.
func (s *scanner) addSymbols(w *word, first, last int) bool {
	text := s.run.text
	from, to := first, last
	for to < len(text) && to-last < 2 && (text[to] == '+' || text[to] == '#') {
		to++
	}
	if to < len(text) && isASCIIWord(text[to]) {
		to = last
	}
	for from > 0 && first-from < maxConnector && strings.IndexByte("-./#@$~", text[from-1]) >= 0 {
		from--
	}
	if from > 0 && isASCIIWord(text[from-1]) || bytes.HasPrefix(text[from:first], []byte("..")) || bytes.HasPrefix(text[from:first], []byte("---")) {
		from = first
	}
	if from == first && to == last {
		return false
	}
	w.start, _ = s.run.original(from, last)
	_, w.end = s.run.original(first, to)
	w.forms = append(w.forms, form{text: bounded(s.foldCase(string(text[from:to]))), weight: 1})
	return true
}

// addParts adds the parts of a compound. Those of words with hyphens are words.
func (s *scanner) addParts(w *word, areWords bool) {
	weight := weightPart
	if areWords {
		weight = 1
	}
	for i, p := range s.parts {
		part := s.foldCase(string(s.run.text[p.start:p.end]))
		switch {
		case utf8.RuneCountInString(part) > 1:
			if !s.isStop(part, part) {
				s.addForms(w, part, s.weightOf(i, weight))
				s.addUnescaped(w, part, p.start)
			}
		case areWords: // the e of e-mail, the l of l'école
		default:
			w.forms = append(w.forms, form{text: part})
		}
	}
}

// weightOf is the weight of the ith part, or 0 for one that a digit follows or goes before: who looks for unit7 does not
// mean other units, while who looks for 7 may mean unit7.
func (s *scanner) weightOf(i int, weight float64) float64 {
	p := s.parts[i]
	bounds := func(left, right int) bool { return isDigit(s.run.text[left]) != isDigit(s.run.text[right]) }
	if i > 0 && s.parts[i-1].end == p.start && bounds(p.start-1, p.start) ||
		i+1 < len(s.parts) && s.parts[i+1].start == p.end && bounds(p.end-1, p.end) {
		return 0
	}
	return weight
}

// addNumbers adds numbers with points in them, as in v1.2.3, and the beginnings of those with several.
func (s *scanner) addNumbers(w *word, text string) {
	for i := 0; i < len(text); {
		if !isDigit(text[i]) {
			i++
			continue
		}
		start, points := i, 0
		for i < len(text) && (isDigit(text[i]) || text[i] == '.' && i+1 < len(text) && isDigit(text[i+1])) {
			if text[i] == '.' {
				if points > 0 {
					w.forms = append(w.forms, form{text: bounded(text[start:i])})
				}
				points++
			}
			i++
		}
		if points > 0 && i-start < len(text) {
			w.forms = append(w.forms, form{text: bounded(text[start:i]), weight: 1})
		}
	}
}

// notOfNumber finds what makes of digits more than a number: 1,000.50 has no parts.
func notOfNumber(r rune) bool { return (r < '0' || r > '9') && r != ',' && r != '.' }

// isDotted says whether s is digits and points, with several of these: an address or a version.
func isDotted(s string) bool { return strings.Count(s, ".") > 1 && strings.IndexByte(s, ',') < 0 }

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// squeeze leaves out the hyphens, low lines, points and apostrophes of a compound, so that it is found however it is
// joined: e-mail and email, node.js and nodejs. Those between digits stay: 1.2.3, 2024-01-05; but not the commas of
// thousands.
func squeeze(s string) string {
	if !strings.ContainsAny(s, "-_.',") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		between := i > 0 && i+1 < len(s) && isDigit(s[i-1]) && isDigit(s[i+1])
		switch s[i] {
		case '-', '_', '.', '\'':
			if !between {
				continue
			}
		case ',':
			if !between || digitsAt(s, i+1) == 3 {
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

// digitsAt counts the digits from place on.
func digitsAt(s string, place int) int {
	end := place
	for end < len(s) && isDigit(s[end]) {
		end++
	}
	return end - place
}

// isLettersAnd says whether s has letters, marks and the punctuation alone, and no capitals inside.
func isLettersAnd(s, punctuation string) bool {
	before := ' '
	for _, r := range s {
		switch {
		case strings.ContainsRune(punctuation, r), unicode.Is(unicode.M, r):
		case !unicode.IsLetter(r), unicode.IsUpper(r) && unicode.IsLower(before):
			return false
		}
		before = r
	}
	return true
}

// kinds of characters, between which a compound is cut.
const (
	kindNone = iota
	kindLower
	kindUpper
	kindDigit
)

func kindOf(r rune) int {
	switch {
	case r < utf8.RuneSelf && isDigit(byte(r)): //nolint:gosec // below 128
		return kindDigit
	case unicode.IsUpper(r):
		return kindUpper
	case isLetterOrNumber(r):
		return kindLower
	default:
		return kindNone
	}
}

// cut fills s.parts with the parts of the bytes from first up to last: at punctuation, between letters and digits, and
// before a capital that begins a word (getUserById, HTTPServer).
func (s *scanner) cut(first, last int) {
	text := s.run.text
	s.parts = s.parts[:0]
	start, before, beforeAt := -1, kindNone, 0
	flush := func(end int) {
		if start >= 0 && start < end {
			s.parts = append(s.parts, piece{start, end})
		}
		start = -1
	}
	for i := first; i < last; {
		r, size := utf8.DecodeRune(text[i:last])
		kind := kindOf(r)
		if kind == kindNone && before != kindNone && unicode.Is(unicode.M, r) {
			kind = before
		}
		switch {
		case kind == kindNone:
			flush(i)
		case before == kindUpper && kind == kindLower && start >= 0 && beforeAt > start:
			flush(beforeAt)
			start = beforeAt
		case kind != before && (before != kindUpper || kind != kindLower):
			flush(i)
		}
		if kind != kindNone && start < 0 {
			start = i
		}
		before, beforeAt = kind, i
		i += size
	}
	flush(last)
}
