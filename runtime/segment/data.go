package segment

import (
	"strings"
)

// valuesUnits reads CSV: the first line names the columns, each other one is a unit. A value in quotation marks may
// have lines of its own.
func valuesUnits(e *emitter) {
	header := ""
	start, quotes := -1, 0
	for l := range linesOf(e.text, 0, len(e.text)) {
		if e.done {
			return
		}
		if l.blank() && start < 0 {
			continue
		}
		if start < 0 {
			start, quotes = l.start, 0
		}
		quotes += strings.Count(e.text[l.start:l.end], `"`)
		if quotes%2 == 1 && l.end-start <= maxBlock {
			continue
		}
		switch {
		case header == "":
			if header = e.text[start:l.end]; len(header) > maxHeader {
				header = " "
			}
			e.emit(Unit{Start: start, End: l.end, Kind: Header})
		case l.end-start > MaxUnit:
			e.emit(Unit{Start: start, End: l.end, Kind: Record})
		default:
			e.emit(Unit{Start: start, End: l.end, Kind: Values, Context: header})
		}
		start = -1
	}
	if start >= 0 {
		e.emit(Unit{Start: start, End: len(e.text), Kind: Record})
	}
}

// maxHeader bounds the line that names the columns, in bytes: it goes with each row.
const maxHeader = 1 << 10

// configUnits reads configuration: comments are text, each setting is a unit with the comment before it as context, or
// its section, and what stands indented under a setting belongs to it.
func configUnits(e *emitter) {
	var comment, setting []line
	section, remark := "", ""
	endComment := func() {
		if len(comment) > 0 {
			remark = remarkOf(e.text, comment)
			e.layout(comment, 0)
			comment = comment[:0]
		}
	}
	endSetting := func() {
		if len(setting) > 0 {
			context := remark
			if context == "" {
				context = section
			}
			e.emit(Unit{Start: setting[0].start, End: setting[len(setting)-1].end, Kind: Record, Context: context})
			setting = setting[:0]
		}
	}
	for l := range linesOf(e.text, 0, len(e.text)) {
		s := e.text[l.start:l.end]
		switch {
		case e.done:
			return
		case commented(s):
			endSetting()
			if comment = append(comment, uncomment(e.text, l)); comment[len(comment)-1].end-comment[0].start > maxBlock {
				endComment()
			}
		case l.blank():
			endComment()
			endSetting()
			remark = ""
		case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"):
			endComment()
			endSetting()
			e.emit(Unit{Start: l.start, End: l.end, Kind: Heading, Level: 1})
			section = contextOf(strings.Trim(s, "[]"))
		case l.indent > 0 && len(setting) > 0 && l.end-setting[0].start <= MaxUnit:
			setting = append(setting, l)
		default:
			endComment()
			endSetting()
			setting = append(setting, l)
		}
	}
	endComment()
	endSetting()
}

// uncomment is a line of a comment without its marks.
func uncomment(text string, l line) line {
	start, column := l.start, l.indent
	for start < l.end && (text[start] == '#' || text[start] == ';') {
		start++
		column++
	}
	return newLine(text, start, l.end, column)
}

// remarkOf is the last paragraph of a comment as a context.
func remarkOf(text string, comment []line) string {
	last := len(comment)
	for last > 0 && comment[last-1].blank() {
		last--
	}
	first := last
	for first > 0 && !comment[first-1].blank() {
		first--
	}
	var words []string
	for _, l := range comment[first:last] {
		words = append(words, text[l.start:l.end])
	}
	return contextOf(strings.Join(words, " "))
}

// yamlUnits reads YAML line by line: each value is a unit with the path of its keys as context.
func yamlUnits(e *emitter) {
	var path []yamlKey
	for l := range linesOf(e.text, 0, len(e.text)) {
		if e.done {
			return
		}
		s := e.text[l.start:l.end]
		if l.blank() || !hasWord(s) {
			continue
		}
		if commented(s) {
			c := uncomment(e.text, l)
			e.emit(Unit{Start: c.start, End: c.end, Kind: Sentence, Context: yamlPath(path)})
			continue
		}
		column := l.indent
		key := s
		for strings.HasPrefix(key, "- ") {
			trimmed := strings.TrimLeft(key[1:], " ")
			column += len(key) - len(trimmed)
			key = trimmed
		}
		for len(path) > 0 && path[len(path)-1].column >= column {
			path = path[:len(path)-1]
		}
		n := keyLength(key)
		named := n > 0 && n < len(key) && key[n] == ':' && (n+1 == len(key) || key[n+1] == ' ')
		if named && len(path) < maxDepth*2 {
			if value := strings.TrimSpace(key[n+1:]); value == "" || strings.ContainsAny(value[:1], "&|>#!") {
				path = append(path, yamlKey{column: column, name: key[:n]})
				e.emit(Unit{Start: l.start, End: l.end, Kind: Header, Context: yamlPath(path[:len(path)-1])})
				continue
			}
		}
		if !named && key == s && sentenceEnd(s) && strings.Contains(s, " ") { // the text of a value, or of a mail below its head
			e.within(yamlPath(path), func() { e.sentences([]line{l}, Sentence) })
			continue
		}
		e.emit(Unit{Start: l.start, End: l.end, Kind: Record, Context: yamlPath(path)})
	}
}

type yamlKey struct {
	column int
	name   string
}

func yamlPath(path []yamlKey) string {
	names := make([]string, len(path))
	for i, k := range path {
		names[i] = strings.Trim(k.name, `"'`)
	}
	return contextOf(strings.Join(names, " > "))
}

// Columns are the names of the columns and the values of a line of CSV.
func Columns(header, row string) (names, values []string) {
	d := byte(',')
	for _, other := range delimiters {
		if len(split(header, other)) > len(split(header, d)) {
			d = other
		}
	}
	return unquoted(split(header, d)), unquoted(split(row, d))
}

func unquoted(values []string) []string {
	for i, v := range values {
		v = strings.TrimSpace(v)
		if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
			v = strings.ReplaceAll(v[1:len(v)-1], `""`, `"`)
		}
		values[i] = v
	}
	return values
}
