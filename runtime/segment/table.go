package segment

import (
	"strings"
	"unicode/utf8"
)

// bars are what cells are drawn between.
const bars = "|│║┃"

// tableStarts says whether a table begins: with a border, or with a row between bars, or with a header over a row of
// dashes and bars.
func tableStarts(text string, lines []line) bool {
	first := text[lines[0].start:lines[0].end]
	if lines[0].blank() {
		return false
	}
	var second string
	if len(lines) > 1 {
		second = text[lines[1].start:lines[1].end]
	}
	switch {
	case barred(first):
		return true
	case border(first):
		return barred(second)
	default:
		return strings.ContainsAny(first, "|") && strings.Contains(second, "|") && border(second)
	}
}

// barred says whether s stands between bars.
func barred(s string) bool {
	first, size := utf8.DecodeRuneInString(s)
	return size > 0 && strings.ContainsRune(bars, first) && strings.ContainsAny(s[size:], bars) && !strings.HasPrefix(s, "||")
}

// border says whether s is a line of a table's frame.
func border(s string) bool {
	if len(s) < 3 {
		return false
	}
	dashes := false
	for _, r := range s {
		switch {
		case r == '-' || r == '=' || r == '─' || r == '═' || r == '━':
			dashes = true
		case strings.ContainsRune("|+: \t", r) || r >= 0x2500 && r < 0x2580:
		default:
			return false
		}
	}
	return dashes && strings.ContainsAny(s, "|+│┼├┌└╔╠╚")
}

// table reads the table that lines begin with and returns how many lines it has.
func (e *emitter) table(lines []line) int {
	framed := border(e.text[lines[0].start:lines[0].end])
	var rows []Unit
	header := ""
	n, borders := 0, 0
	for ; n < len(lines) && !lines[n].blank(); n++ {
		l := lines[n]
		s := e.text[l.start:l.end]
		switch {
		case border(s):
			if borders++; len(rows) == 1 && header == "" && borders <= 2 {
				rows[0].Kind = Header
				header = contextOf(e.text[rows[0].Start:rows[0].End])
			}
			continue
		case !strings.ContainsAny(s, bars):
			e.emitRows(rows, header)
			return max(n, 1)
		}
		if last := len(rows) - 1; framed && last >= 0 && rows[last].End > 0 && continues(s) && rows[last].Kind == Row {
			rows[last].End = l.end
			continue
		}
		if last := len(rows) - 1; framed && last == 0 && rows[0].Kind == Header && continues(s) {
			continue
		}
		rows = append(rows, Unit{Start: l.start, End: l.end, Kind: Row})
	}
	e.emitRows(rows, header)
	return max(n, 1)
}

func (e *emitter) emitRows(rows []Unit, header string) {
	for _, r := range rows {
		if !hasWord(e.text[r.Start:r.End]) {
			continue
		}
		if r.Kind == Row {
			r.Context = header
		}
		if r.End-r.Start > MaxUnit && r.Kind == Row {
			r.Kind = Record // in parts: no part has all the columns
		}
		e.emit(r)
	}
}

// continues says whether the first cell of a row is empty: the row above goes on.
func continues(s string) bool {
	cells := Cells(s)
	return len(cells) > 1 && cells[0] == ""
}

// Cells are the cells of a row between bars, without the white space around them. A bar behind a backslash or in code
// is text.
func Cells(row string) []string {
	row = strings.TrimSpace(row)
	if first, size := utf8.DecodeRuneInString(row); strings.ContainsRune(bars, first) {
		row = row[size:]
	}
	if last, size := utf8.DecodeLastRuneInString(row); strings.ContainsRune(bars, last) && !strings.HasSuffix(row, `\|`) {
		row = row[:len(row)-size]
	}
	var cells []string
	start, code := 0, false
	for i := 0; i < len(row); {
		r, size := utf8.DecodeRuneInString(row[i:])
		switch {
		case r == '`':
			code = !code && strings.IndexByte(row[i+1:], '`') >= 0
		case r == '\\' && i+1 < len(row):
			size++
		case !code && strings.ContainsRune(bars, r):
			cells = append(cells, strings.TrimSpace(row[start:i]))
			start = i + size
		}
		i += size
	}
	return append(cells, strings.TrimSpace(row[start:]))
}
