package rag

import (
	"slices"
	"strconv"

	"golang.org/x/text/unicode/norm"
)

// Facet is the term by which a filter finds metadata that has value in field, both in normal form: it must not matter how
// a keyboard or a file system composes its accents. The names of fields hold no NUL
// (Document.Validate), so no two pairs make the same term; and both are bounded, so that it is far shorter than the
// 32,766 bytes that an engine takes.
func Facet(field, value string) string {
	return norm.NFC.String(field) + "\x00" + norm.NFC.String(value)
}

// Facets are the terms of a document's metadata, sorted: one for each string, number and boolean and one for each member
// of an array. Numbers are written without an exponent and without zeros at the end: 2020, 0.5.
func Facets(m Metadata) []string {
	facets := make([]string, 0, len(m))
	for field, value := range m {
		switch v := value.(type) {
		case string:
			facets = append(facets, Facet(field, v))
		case float64:
			facets = append(facets, Facet(field, strconv.FormatFloat(v, 'f', -1, 64)))
		case bool:
			facets = append(facets, Facet(field, strconv.FormatBool(v)))
		case []any: // of strings: Validate refuses others
			for _, item := range v {
				if s, ok := item.(string); ok {
					facets = append(facets, Facet(field, s))
				}
			}
		}
	}
	slices.Sort(facets)
	return slices.Compact(facets)
}

// FilterTerms are the terms that a filter asks for: of each inner list one must be there. They are in the order of the
// fields' names.
func FilterTerms(f Filter) [][]string {
	fields := make([]string, 0, len(f))
	for field := range f {
		fields = append(fields, field)
	}
	slices.Sort(fields)
	terms := make([][]string, len(fields))
	for i, field := range fields {
		for _, value := range f[field] {
			terms[i] = append(terms[i], Facet(field, value))
		}
	}
	return terms
}
