package terms

import (
	"unicode"
	"unicode/utf8"
)

// MaxWords bounds the words that are looked for. OpenSearch refuses a query of more than 1,024 clauses; a word makes one
// in the text and one in the title, and one of over 255 characters is cut into several. bleve takes any number, and is
// busy for seconds with thousands.
const MaxWords = 450

// FirstWords is text up to its MaxWords-th word. Only the last message of a chat is long enough to be cut, or one
// written without spaces, where each character is a word.
func FirstWords(text string) string {
	words, inWord := 0, false
	for i, r := range text {
		starts := !unicode.IsSpace(r)
		if spelled(r) {
			starts = !inWord
		}
		inWord = spelled(r)
		if !starts {
			continue
		}
		if words++; words > MaxWords {
			return text[:i]
		}
	}
	return text
}

// spelled says whether r is a letter or digit that makes a word with its neighbours. The others count as words of their
// own: ideographs and symbols are, and counting too many does no harm.
func spelled(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) ||
		unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Arabic, unicode.Hebrew, unicode.Devanagari, unicode.Hangul, unicode.Mn)
}
