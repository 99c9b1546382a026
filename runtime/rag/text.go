package rag

import (
	"strings"
	"unicode"
)

// Sentence is a sentence with its place in the text that it was taken from, in characters.
type Sentence struct {
	Text string
	Span Span
}

// Sentences cuts text at full stops, question and exclamation marks before white space, at blank lines, and before the
// lines that Markdown begins anew (headings, list items, table rows). It needs no language: text of lower-case letters
// is cut as well.
func Sentences(text string) []Sentence {
	runes := []rune(text)
	var out []Sentence
	start := 0
	flush := func(end int) {
		from, to := trim(runes, start, end)
		if from < to {
			out = append(out, Sentence{Text: string(runes[from:to]), Span: Span{Start: from, End: to}})
		}
		start = end
	}
	for i, r := range runes {
		switch {
		case (r == '.' || r == '!' || r == '?') && (i+1 == len(runes) || unicode.IsSpace(runes[i+1])):
			flush(i + 1)
		case r == '\n' && i+1 < len(runes) && strings.ContainsRune("\n#-*|>`", runes[i+1]):
			flush(i + 1)
		}
	}
	flush(len(runes))
	return out
}

// trim narrows [start,end) to what is between white space.
func trim(runes []rune, start, end int) (int, int) {
	for start < end && unicode.IsSpace(runes[start]) {
		start++
	}
	for end > start && unicode.IsSpace(runes[end-1]) {
		end--
	}
	return start, end
}

// Terms are the words of text that carry meaning: lower-case letters and digits, without stop words, with the endings
// of English plurals and verbs cut off. They serve to compare sentences, not to search.
func Terms(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	terms := words[:0]
	for _, w := range words {
		if !stopWords[w] {
			terms = append(terms, stem(w))
		}
	}
	return terms
}

// stem cuts endings so that "caches", "cached" and "caching" are one term. It is coarse on purpose.
func stem(w string) string {
	for _, ending := range [...]string{"ing", "ed", "es", "s", "e"} {
		if strings.HasSuffix(w, ending) && len(w)-len(ending) >= 3 {
			return w[:len(w)-len(ending)]
		}
	}
	return w
}

// stopWords are English words that say nothing about a subject, question words among them.
var stopWords = func() map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(`a an and are as at be been but by can could did do does for from had has have how i if in into is it its
		may me my no not of on or our should so such than that the their then there these they this those to was we were
		what when where which who why will with would you your`) {
		set[w] = true
	}
	return set
}()
