package segment

import (
	"iter"
	"strings"
)

// line is a line of a text, or what a container (a list, a quotation, a comment) left of it.
type line struct {
	// start and end are the text of the line in bytes, without the white space around it; equal when there is none.
	start, end int
	// indent is the column of start.
	indent int
}

func (l line) blank() bool { return l.start == l.end }

// tab is the width of a tabulator.
const tab = 8

// newLine is the line [start,end) of text, whose first byte stands in column.
func newLine(text string, start, end, column int) line {
	for start < end {
		switch text[start] {
		case ' ':
			column++
		case '\t':
			column += tab - column%tab
		case '\r', '\f', '\v':
		default:
			if !strings.HasPrefix(text[start:end], "\ufeff") {
				for end > start && (text[end-1] == ' ' || text[end-1] == '\t' || text[end-1] == '\r' || text[end-1] == '\n') {
					end--
				}
				return line{start: start, end: end, indent: column}
			}
			start += len("\ufeff") - 1
		}
		start++
	}
	return line{start: start, end: start, indent: column}
}

// newlines is text with each carriage return that ends a line alone, as old editors write it, as a newline: the same bytes
// otherwise, so that places in the one are places in the other.
func newlines(text string) string {
	var changed []byte
	for at := 0; ; at++ {
		n := strings.IndexByte(text[at:], '\r')
		if n < 0 {
			break
		}
		at += n
		if strings.HasPrefix(text[at+1:], "\n") {
			continue
		}
		if changed == nil {
			changed = []byte(text)
		}
		changed[at] = '\n'
	}
	if changed == nil {
		return text
	}
	return string(changed)
}

// linesOf are the lines of text from start on.
func linesOf(text string, start, end int) iter.Seq[line] {
	return func(yield func(line) bool) {
		for start < end {
			stop := end
			if n := strings.IndexByte(text[start:end], '\n'); n >= 0 {
				stop = start + n + 1
			}
			if !yield(newLine(text, start, stop, 0)) {
				return
			}
			start = stop
		}
	}
}

// maxBlock bounds in bytes what is read at once: a longer paragraph is cut.
const maxBlock = 16 << 10

// windows are parts of text of at most limit bytes, that end before a blank line where there is one.
func windows(text string, limit int) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for start := 0; start < len(text); {
			end := len(text)
			if end-start > limit {
				end = start + windowEnd(text[start:], limit)
			}
			if !yield(start, end) {
				return
			}
			start = end
		}
	}
}

func windowEnd(s string, limit int) int {
	head := s[:limit]
	for _, boundary := range []string{"\n# ", "\n\n", "\r\n\r\n", "\n"} {
		if n := strings.LastIndex(head, boundary); n > limit/4 {
			if fence := "\n```"; strings.Count(head[:n], fence)%2 == 1 {
				n = max(limit/4, strings.LastIndex(head[:n], fence)) // not inside code
			}
			return n + 1
		}
	}
	return cutAt(s, limit)
}
