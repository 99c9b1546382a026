// Package terms is the analyser: it says which words a text has and in which forms they are compared. Both search engines,
// the choice of sentences and citations use it, so that a word is the same everywhere; the engines only rank terms.
//
// A text is read run by run, a run being what stands between white space (normalize.go): invisible characters are dropped,
// compatibility forms unified (NFKC), digits of all scripts written 0 to 9, apostrophes and hyphens unified. A run is cut by
// UAX #29 (segment.go). Scripts that do not separate words give overlapping bigrams (bigram.go). What remains are words
// and compounds (compound.go), each with its forms: case folded, without diacritics, stemmed (forms.go).
package terms
