package terms

import "strings"

// MaxQueryTerms bounds the terms of a query. OpenSearch refuses a query of more than 1,024 clauses, and each term makes one
// in the text, one in the title and one in the headings; the rest is left to filters. Only the last message of a chat is
// long enough to be cut.
const MaxQueryTerms = 300

// Term is something to look for.
type Term struct {
	Text string
	// Weight is what finding it counts for: 1 for a form that means the whole word, less for its parts, for a form without
	// its diacritics and for weak evidence. It is over 0.
	Weight float64
	// Word numbers the word of the query that this is a form of, from 0. Words of scripts without spaces are pairs of
	// characters.
	Word int
	// Stop says that it is a stop word: Fields.Stop may hold it. A query has either only such terms or none.
	Stop bool
}

// Query makes the distinct terms to look for, in the order of their words, with the stems of each language: which of them
// the documents are in is not known. Of stop words alone it makes terms too.
func (a *Analyser) Query(text string) []Term {
	s := a.scanner(text, nil)
	defer a.scanners.Put(s)
	s.surface = true
	s.stemmers = append(s.stemmers, a.languages...)
	s.stops = a.foreignStops()
	for _, l := range a.languages {
		s.stops |= l.bit
	}
	if spoken := a.detect(text); spoken != nil {
		s.stops |= spoken.bit
	}
	var content, stop query
	s.scan(text, func(w *word) {
		if w.stop {
			stop.add(w)
		} else {
			content.add(w)
		}
	})
	if len(content.terms) > 0 {
		return content.terms
	}
	return stop.terms
}

// query collects distinct terms.
type query struct {
	terms []Term
	words int
	// places are the indices in terms.
	places map[string]int
}

func (q *query) add(w *word) {
	if q.places == nil {
		q.places = map[string]int{}
	}
	added := false
	for _, f := range w.forms {
		if f.weight <= 0 {
			continue
		}
		if at, ok := q.places[f.text]; ok {
			q.terms[at].Weight = max(q.terms[at].Weight, f.weight)
			continue
		}
		if len(q.terms) == MaxQueryTerms {
			break
		}
		text := strings.Clone(f.text)
		q.places[text] = len(q.terms)
		q.terms = append(q.terms, Term{Text: text, Weight: f.weight, Word: q.words, Stop: w.stop})
		added = true
	}
	if added {
		q.words++
	}
}
