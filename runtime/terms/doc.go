// Package terms says what a word is. It is the same for both search engines, for the choice of sentences and for
// citations, so that documents are found on a laptop as they are on a cluster.
package terms
