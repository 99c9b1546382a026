package terms

import (
	"slices"
	"strings"
	"sync"
)

// Version is raised by each change that makes other terms of the same text. Indices are kept with Analyser.Version.
const Version = "4"

// MaxTermLength bounds a term, in characters. A longer word is a term of its first characters and a hash of all.
const MaxTermLength = 64

// Analyser makes terms of texts. It is immutable and safe for concurrent use.
type Analyser struct {
	// languages are those with stop words and a stemmer, in the order of the configuration.
	languages []*language
	version   string
	scanners  sync.Pool
}

// New makes an Analyser for documents in these languages, BCP 47 tags of Languages (a tag's region and script are ignored,
// as are languages that have no stemmer). A text of another language is neither stemmed nor freed of stop words.
func New(languages []string) *Analyser {
	a := &Analyser{scanners: sync.Pool{New: func() any { return newScanner() }}}
	var codes []string
	for _, tag := range languages {
		if l := lookupLanguage(tag); l != nil && !slices.Contains(a.languages, l) {
			a.languages = append(a.languages, l)
			codes = append(codes, l.code)
		}
	}
	a.version = strings.Join(append([]string{Version}, codes...), "-")
	return a
}

// Version names the terms that the Analyser makes: two of the same Version make the same terms of the same text. It is made
// of lower-case letters, digits and hyphens: 4-en-de.
func (a *Analyser) Version() string { return a.version }

// Fields are the terms of a text as an index holds them, separated by spaces. No term has white space in it.
type Fields struct {
	// Content has the terms of the words that carry meaning, as often as they occur.
	Content string
	// Stop has the stop words, each once. They are searched only for a query that has no other words.
	Stop string
}

// Index makes the terms of a text that a query finds it by. Language is the BCP 47 tag of the document; empty means that it
// is detected.
func (a *Analyser) Index(text, language string) Fields {
	s := a.scanner(text, a.documentLanguage(text, language))
	defer a.scanners.Put(s)
	var content, stop strings.Builder
	content.Grow(len(text) + len(text)/4)
	seen := map[string]bool{}
	s.scan(text, func(w *word) {
		for _, f := range w.forms {
			switch {
			case !w.stop:
				appendTerm(&content, f.text)
			case !seen[f.text]:
				seen[strings.Clone(f.text)] = true
				appendTerm(&stop, f.text)
			}
		}
	})
	return Fields{Content: content.String(), Stop: stop.String()}
}

func appendTerm(to *strings.Builder, term string) {
	if to.Len() > 0 {
		to.WriteByte(' ')
	}
	to.WriteString(term)
}

// Word is a word of a text, in bytes from Start up to, not including, End. Words of scripts without spaces are pairs of
// characters, and overlap.
type Word struct {
	Start, End int
	// Terms are the forms that an index holds of the word, the most exact one first.
	Terms []string
	// Stop says that the word carries no meaning of its own: "the", "です".
	Stop bool
}

// Words are the words of a text, by their place. Language is as in Index.
func (a *Analyser) Words(text, language string) []Word {
	s := a.scanner(text, a.documentLanguage(text, language))
	defer a.scanners.Put(s)
	var words []Word
	s.scan(text, func(w *word) {
		terms := make([]string, len(w.forms))
		for i, f := range w.forms {
			terms[i] = strings.Clone(f.text)
		}
		words = append(words, Word{Start: w.start, End: w.end, Terms: terms, Stop: w.stop})
	})
	return words
}

// scanner lends a scanner for a text in the language, which may be nil. It goes back into a.scanners.
func (a *Analyser) scanner(text string, l *language) *scanner {
	s := a.scanners.Get().(*scanner) //nolint:forcetypeassert // New puts nothing else in
	s.reset(text)
	if l != nil {
		s.stemmers = append(s.stemmers, l)
		s.stops = l.bit
	}
	return s
}
