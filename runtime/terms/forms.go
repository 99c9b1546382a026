package terms

import (
	"encoding/hex"
	"hash/fnv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	"golang.org/x/text/unicode/norm"
)

// maxStems bounds the memory of stems, in words; a text has far fewer words than occurrences of them.
const maxStems = 20_000

type stemKey struct {
	language *language
	word     string
}

// foldCase is the word without differences of case, as Unicode has it: ß is ss.
func (s *scanner) foldCase(word string) string {
	if isASCII(word) {
		return strings.ToLower(word)
	}
	return norm.NFC.String(s.fold.String(word))
}

// isStop says whether the word, folded and as it was written, is a stop word. In a text with lower-case letters a short one
// in capitals is a name: IT, US, WHO.
func (s *scanner) isStop(folded, written string) bool {
	if stopWords[folded]&s.stops == 0 {
		return false
	}
	return !s.mixed || len(written) < 2 || len(written) > 4 || strings.ContainsFunc(written, func(r rune) bool { return r < 'A' || r > 'Z' })
}

// addForms adds the forms of a word that is folded in case: as it is, without diacritics and with its umlauts written out;
// each with the endings that the stemmers cut off.
func (s *scanner) addForms(w *word, folded string, weight float64) {
	if folded == "" {
		return
	}
	s.addStems(w, folded, weight)
	if isASCII(folded) {
		return
	}
	plain := foldDiacritics(folded)
	if plain != folded {
		s.addStems(w, plain, weight*weightFolded)
	}
	if written := writeOut(folded); written != folded {
		s.addStems(w, foldDiacritics(written), weight*weightFolded)
	}
	if rest := withoutArticle(plain); rest != plain {
		s.addStems(w, rest, weight*weightFolded)
	}
}

func (s *scanner) addStems(w *word, text string, weight float64) {
	if s.surface || len(s.stemmers) == 0 {
		w.add(bounded(text), weight)
	}
	for _, l := range s.stemmers {
		w.add(bounded(s.stem(l, text)), weight)
	}
}

func (w *word) add(text string, weight float64) {
	for i := range w.forms {
		if w.forms[i].text == text {
			w.forms[i].weight = max(w.forms[i].weight, weight)
			return
		}
	}
	w.forms = append(w.forms, form{text: text, weight: weight})
}

func (s *scanner) stem(l *language, text string) string {
	if len(text) < 3 || len(text) > 4*MaxTermLength {
		return text
	}
	key := stemKey{language: l, word: text}
	if known, ok := s.stems[key]; ok {
		return known
	}
	stemmed := text
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.Is(unicode.M, r) }) < 0 {
		env := snowballstem.NewEnv(text)
		l.stem(env)
		if cut := env.Current(); cut != "" && utf8.ValidString(cut) {
			stemmed = cut
		}
	}
	if len(s.stems) >= maxStems {
		clear(s.stems)
	}
	s.stems[key] = stemmed
	return stemmed
}

// bounded is the term itself, or for one of over MaxTermLength characters its first ones and a hash of all.
func bounded(term string) string {
	if len(term) <= MaxTermLength || utf8.RuneCountInString(term) <= MaxTermLength {
		return term
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(term))
	sum := hex.EncodeToString(hash.Sum(nil))
	kept := 0
	for i := range term {
		if kept == MaxTermLength-len(sum) {
			return term[:i] + sum
		}
		kept++
	}
	return term
}

// foldDiacritics takes the marks off the letters of the scripts in which a word is still read without them, and unites
// letters that are typed for one another. Vowel signs of Indic scripts are no such marks.
func foldDiacritics(s string) string {
	if isASCII(s) {
		return s
	}
	var out strings.Builder
	out.Grow(len(s))
	var base rune
	for _, r := range norm.NFD.String(s) {
		if unicode.Is(unicode.Mn, r) {
			if !unicode.In(base, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Arabic, unicode.Hebrew) || base == 'и' && r == '\u0306' {
				out.WriteRune(r)
			}
			continue
		}
		base = r
		if plain, ok := plainLetters[r]; ok {
			out.WriteString(plain)
		} else {
			out.WriteRune(r)
		}
	}
	return norm.NFC.String(out.String())
}

// plainLetters are letters that have no decomposition.
var plainLetters = map[rune]string{
	'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'æ': "ae", 'œ': "oe", 'ı': "i", 'ħ': "h", 'ŋ': "ng", 'ŧ': "t",
	'ɓ': "b", 'ɗ': "d", 'ƙ': "k", 'ɛ': "e", 'ɔ': "o", 'ə': "e",
	'ґ': "г", 'ς': "σ",
	'ٱ': "ا", 'ى': "ي", 'ی': "ي", 'ې': "ي", 'ک': "ك", 'ة': "ه", 'ہ': "ه", 'ھ': "ه", 'ە': "ه",
}

// writeOut writes umlauts and their like with the letters that stand for them where a keyboard has none.
func writeOut(s string) string { return writtenOut.Replace(s) }

var writtenOut = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ø", "oe", "å", "aa")

// withoutArticle takes the Arabic or the Hebrew article, and what is written together with it, off a word without diacritics.
func withoutArticle(s string) string {
	for _, prefix := range [...]string{"وال", "بال", "كال", "فال", "ال", "لل", "וה", "שה", "ה"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok && utf8.RuneCountInString(rest) >= 3 {
			return rest
		}
	}
	return s
}
