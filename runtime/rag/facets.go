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

// metadataFacets are the terms of a document's metadata: one for each string, number and boolean and one for each member
// of an array. Numbers are written without an exponent and without zeros at the end: 2020, 0.5.
func metadataFacets(m Metadata) []string {
	facets := make([]string, 0, len(m)+1)
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
	return facets
}

// FilterTerms are the terms that a search is narrowed by: of each inner list one must be there. They are in the order of the
// fields' names; last comes who searches, unless readers is nil.
func FilterTerms(f Filter, readers []string) [][]string {
	fields := make([]string, 0, len(f))
	for field := range f {
		fields = append(fields, field)
	}
	slices.Sort(fields)
	terms := make([][]string, 0, len(fields)+1)
	for _, field := range fields {
		var anyOf []string
		for _, value := range f[field] {
			anyOf = append(anyOf, Facet(field, value))
		}
		terms = append(terms, anyOf)
	}
	if readers == nil {
		return terms
	}
	var anyOf []string
	for _, group := range readers {
		anyOf = append(anyOf, Facet(accessField, group))
	}
	return append(terms, anyOf)
}
