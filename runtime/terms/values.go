package terms

import (
	"bytes"
	"strings"
)

// longestNumber bounds a number with commas, in bytes: what is longer is a list.
const longestNumber = 32

func isSeparator(c byte) bool { return c == ';' || c == ',' }

// separates says whether what stands at place, in a UAX #29 word of the bytes [from,end), parts values, of a line of CSV say, although
// it stands between digits: a semicolon, a comma behind the number of a name (AB-4711,250), and those that make no thousands.
func (s *scanner) separates(from, place, end int) bool {
	text := s.run.text
	switch text[place] {
	case ';':
		return true
	case ',':
		last := len(s.pieces) - 1
		named := last >= 0 && from-s.pieces[last].end == 1 && text[from-1] == '-' && !isDigit(text[from-2])
		return named || isList(text[from:end])
	default:
		return false
	}
}

// isList says whether s, a UAX #29 word, has several commas that do not stand before three digits each, or two as in 1,00,000.
func isList(s []byte) bool {
	if bytes.Count(s[:min(len(s), longestNumber)], []byte(",")) < 2 {
		return false
	}
	if len(s) > longestNumber {
		return true
	}
	whole, _, _ := bytes.Cut(s, []byte("."))
	groups := bytes.Split(whole, []byte(","))
	for _, group := range groups[1:] {
		if len(group) != 3 && len(group) != 2 {
			return true
		}
	}
	return len(groups[0]) > 3 || len(groups[len(groups)-1]) != 3
}

// addValues adds the numbers between commas: they may be values of a line of CSV, and no thousands. Queries leave them out.
func (s *scanner) addValues(w *word, text string) {
	if strings.IndexByte(text, ',') < 0 || strings.IndexFunc(text, notOfNumber) >= 0 {
		return
	}
	for value := range strings.SplitSeq(text, ",") {
		w.forms = append(w.forms, form{text: bounded(value)})
	}
}
