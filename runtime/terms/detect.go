package terms

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// detectWords bounds the words that a language is told by, and detectBytes the text that is read for it.
	detectWords = 200
	detectBytes = 4096
	// evident is the lead in stop words by which a language that is not the Analyser's is told from one that is.
	evident = 2
	// usual is the share of stop words that a longer text has at least, in any of the languages.
	usual = 0.12
	// longer is how many words make a text long enough to judge by its share of stop words.
	longer = 20
)

// Detect tells which of the Analyser's languages a text is in, by its stop words and its script. It is Undetermined for a
// text of another language.
func (a *Analyser) Detect(text string) string {
	if l := a.documentLanguage(text, ""); l != nil {
		return l.code
	}
	return Undetermined
}

// documentLanguage is the language by which a document is stemmed; nil is none.
func (a *Analyser) documentLanguage(text, tag string) *language {
	l := lookupLanguage(tag)
	if tag == "" {
		l = a.detect(text)
	}
	if l == nil || !slices.Contains(a.languages, l) {
		return nil
	}
	return l
}

// detect tells the language of a text; nil is none of those with stop words. One that is not the Analyser's needs more
// evidence than one that is.
func (a *Analyser) detect(text string) *language {
	sample := sampleOf(text)
	hits, words := stopHits(sample)
	var best, own *language
	bestHits, ownHits := 0, 0
	for i, l := range all {
		if hits[i] > bestHits {
			best, bestHits = l, hits[i]
		}
	}
	for _, l := range a.languages {
		if n := hits[indexOf(l)]; n > ownHits {
			own, ownHits = l, n
		}
	}
	if best != nil && bestHits >= ownHits+evident {
		return best
	}
	foreign := words >= longer && float64(ownHits) < usual*float64(words) && foreignLetters(sample)
	switch {
	case foreign:
		return nil
	case own != nil:
		return own
	default:
		return a.byScript(sample)
	}
}

// indexOf is the place of l in all.
func indexOf(l *language) int {
	for i, other := range all {
		if other == l {
			return i
		}
	}
	return 0
}

func sampleOf(text string) string {
	if len(text) <= detectBytes {
		return text
	}
	end := detectBytes
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// stopHits counts the words of a sample and, for each language, those of them that are its stop words.
func stopHits(sample string) (hits []int, words int) {
	hits = make([]int, len(all))
	between := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.Is(unicode.M, r) && unify(r) != '\'' }
	for token := range strings.FieldsFuncSeq(sample, between) {
		if words++; words > detectWords {
			break
		}
		bits := stopWords[strings.ToLower(strings.ReplaceAll(token, "’", "'"))] &^ otherWords
		for i := 0; bits != 0; i++ {
			hits[i] += int(bits & 1)
			bits >>= 1
		}
	}
	return hits, words
}

// foreignLetters says whether over one of fifty letters is not ASCII: more than the names in an English text make.
func foreignLetters(sample string) bool {
	letters, foreign := 0, 0
	for _, r := range sample {
		if !unicode.IsLetter(r) {
			continue
		}
		letters++
		if r >= utf8.RuneSelf {
			foreign++
		}
	}
	return foreign*50 > letters
}

// byScript is the first of the Analyser's languages that is written in the script of most letters of the sample.
func (a *Analyser) byScript(sample string) *language {
	for _, l := range a.languages {
		letters, own := 0, 0
		for _, r := range sample {
			if unicode.IsLetter(r) {
				letters++
				if unicode.Is(l.script, r) {
					own++
				}
			}
		}
		if own > 0 && 2*own >= letters {
			return l
		}
	}
	return nil
}
