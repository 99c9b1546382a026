package segment

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// format is how a text is read.
type format uint8

const (
	formatMarkdown format = iota
	formatJSON
	formatValues
	formatConfig
	formatYAML
	formatIndented
	formatLog
)

// sample is how much of a text tells its format, in bytes.
const sample = 16 << 10

// detect tells the format of a text from its first lines.
func detect(text string) format {
	head := text
	if len(head) > sample {
		head = head[:sample]
		if n := strings.LastIndexByte(head, '\n'); n > 0 {
			head = head[:n]
		}
	}
	if isLog(head) {
		return formatLog
	}
	trimmed := strings.TrimLeftFunc(head, blank)
	if looksLikeJSON(trimmed) {
		return formatJSON
	}
	if delimiterOf(head) != 0 {
		return formatValues
	}
	c := count(head)
	switch {
	case c.words == 0:
		return formatMarkdown
	case c.entries+c.comments >= c.words*2/3 && c.entries > 0 && c.headings == 0:
		return formatYAML
	case (c.settings+c.comments+c.columned)*3 >= c.words*2 && (c.settings+c.columned > 1 || c.commentRuns > 1) && c.markdown*20 < c.words:
		return formatConfig
	case c.indented*10 >= c.words*6 && c.markdown*20 < c.words:
		return formatIndented
	default:
		return formatMarkdown
	}
}

// counts are numbers of lines, each counted once.
type counts struct {
	// words are all that hold a word, indented those that stand three columns or more to the right.
	words, indented int
	// comments begin with a comment's mark, commentRuns are two or more in a row.
	comments, commentRuns int
	// settings are "key = value" and what stands under them, entries "key: value" and "- value", columned "a<tab>b".
	settings, entries, columned int
	// headings begin with two marks of a heading or more; markdown are they, fences, and rows of tables.
	headings, markdown int
}

func count(head string) counts {
	var c counts
	run := 0
	value := false
	for l := range linesOf(head, 0, len(head)) {
		s := head[l.start:l.end]
		if !hasWord(s) {
			if !commented(s) {
				run = 0
			}
			if strings.HasPrefix(s, "```") || strings.HasPrefix(s, "|-") {
				c.markdown++
			}
			continue
		}
		c.words++
		if l.indent >= 3 {
			c.indented++
		}
		switch {
		case strings.HasPrefix(s, "```") || strings.HasPrefix(s, "| ") || strings.Contains(s, "]("):
			c.markdown++
		case commented(s):
			c.comments++
			if run++; run == 2 {
				c.commentRuns++
			}
			if strings.HasPrefix(s, "## ") || strings.HasPrefix(s, "### ") {
				c.headings++
				c.markdown++
			}
			continue
		case l.indent <= 2 && isSetting(s):
			c.settings++
			value = true
			run = 0
			continue
		case value && l.indent > 0:
			c.settings++
		case isEntry(s):
			c.entries++
			run = 0
			continue
		case strings.Contains(s, "\t"):
			c.columned++
		}
		value = value && l.indent > 0
		run = 0
	}
	return c
}

// commented says whether s is a comment: a mark that no sentence begins with, but for the number of something (#42).
func commented(s string) bool {
	return strings.HasPrefix(s, "#") && (len(s) < 2 || s[1] < '0' || s[1] > '9') || strings.HasPrefix(s, ";")
}

// keyLength is the length of the key that s begins with.
func keyLength(s string) int {
	for i, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-./@\"'", r) {
			return i
		}
	}
	return len(s)
}

// isSetting says whether s is "key = value", or the head of a section.
func isSetting(s string) bool {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		return true
	}
	n := keyLength(strings.TrimPrefix(s, "."))
	return n > 0 && strings.HasPrefix(strings.TrimLeft(strings.TrimPrefix(s, ".")[n:], " \t"), "=")
}

// isEntry says whether s is "key: value", "key:" or "- value".
func isEntry(s string) bool {
	if strings.HasPrefix(s, "- ") {
		s = strings.TrimLeft(s[1:], " ")
		if keyLength(s) == len(s) || strings.ContainsAny(s, ":=") {
			return true
		}
	}
	n := keyLength(s)
	return n > 0 && n < len(s) && s[n] == ':' && (n+1 == len(s) || s[n+1] == ' ')
}

// looksLikeJSON says whether s begins as an object or an array of JSON does.
func looksLikeJSON(s string) bool {
	if s == "" || s[0] != '{' && s[0] != '[' {
		return false
	}
	rest := strings.TrimLeftFunc(s[1:], unicode.IsSpace)
	if rest == "" {
		return false
	}
	if s[0] == '{' {
		return rest[0] == '"' || rest[0] == '}'
	}
	next := rest[0]
	digits := next >= '0' && next <= '9' || next == '-'
	return next == '{' || next == '[' || next == '"' || digits && strings.ContainsAny(rest[:min(len(rest), 40)], ",")
}

// delimiters are what stands between values.
var delimiters = []byte{',', ';', '\t', '|'}

// delimiterOf is what stands between the values of each line, three lines or more of at least two values each and no
// sentences; 0 when it is no table of values.
func delimiterOf(head string) byte {
	for _, d := range delimiters {
		lines, columns, same, start := 0, 0, 0, -1
		for l := range linesOf(head, 0, len(head)) {
			if start < 0 {
				start = l.start
			}
			if l.blank() && start == l.start {
				start = -1
				continue
			}
			if row := head[start:l.end]; columns > 0 && strings.Count(row, `"`)%2 == 1 && len(row) <= 2<<10 {
				continue // a value of several lines
			}
			n := len(split(head[start:l.end], d))
			start = -1
			if lines++; lines == 1 {
				columns = n
				if n < 2 || commented(head[l.start:]) || len(head[l.start:l.end]) > 2<<10 || sentenceEnd(head[l.start:l.end]) {
					break
				}
			}
			if n == columns || columns >= 4 && n*3 >= columns && n <= columns {
				same++
			}
		}
		if columns >= 2 && lines >= 3 && same*10 >= lines*9 && !prose(head, d) {
			return d
		}
	}
	return 0
}

// prose says whether lines with delimiters are text: the delimiter is mostly followed by a space, as a comma is.
func prose(head string, d byte) bool {
	switch d {
	case '\t':
		return false
	case '|': // a table of Markdown
		return strings.HasPrefix(head, "|") || strings.Contains(head, "\n|") || strings.Contains(head, "-|") || strings.Contains(head, " | ")
	}
	return strings.Count(head, string(d)+" ")*2 > strings.Count(head, string(d)) && len(head) > 40*strings.Count(head, string(d))
}

// split cuts a line of values at d, but not within quotation marks.
func split(s string, d byte) []string {
	var out []string
	start, quoted := 0, false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == d && !quoted:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// firstRune is the first character of s.
func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}
