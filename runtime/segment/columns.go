package segment

import "strings"

// columns says whether most of the lines, two at least, have a tab or a gap of three spaces inside, and stand at one margin.
func columns(text string, lines []line) bool {
	if len(lines) < 2 {
		return false
	}
	with := 0
	for _, l := range lines {
		s := text[l.start:l.end]
		if l.indent != lines[0].indent {
			return false
		}
		if strings.Contains(s, "   ") || strings.Contains(s, "\t") {
			with++
		}
	}
	return with*3 >= len(lines)*2
}

// namesColumns says whether a line over columns names them: in capitals, as the lists of programs do.
func namesColumns(s string) bool {
	return len(strings.Fields(s)) > 1 && s == strings.ToUpper(s) && s != strings.ToLower(s) && !strings.ContainsAny(s, "0123456789")
}

// ruled finds the simple table of reStructuredText that lines begin with: columns between rules (=== ====). It returns where the
// header's rule is, 0 without a header, and where the last one is, 0 without a table.
func ruled(text string, lines []line) (header, last int) {
	if !columnRule(text, lines[0]) {
		return 0, 0
	}
	for i := 1; i < len(lines) && lines[i].start-lines[0].start <= maxBlock; i++ {
		switch {
		case columnRule(text, lines[i]) && last > 0:
			return last, i
		case columnRule(text, lines[i]):
			last = i
		case lines[i].blank() && last == i-1:
			return 0, last
		}
	}
	return 0, last
}

// columnRule says whether a line is several rows of the sign =, with spaces between.
func columnRule(text string, l line) bool {
	groups := strings.Fields(text[l.start:l.end])
	for _, group := range groups {
		if strings.Trim(group, "=") != "" {
			return false
		}
	}
	return len(groups) > 1
}

// ruledTable hands on the columns of a simple table, whose rules are at 0, header and last. A row goes on where its first column is empty.
func (e *emitter) ruledTable(lines []line, header, last int) {
	context := ""
	if header > 1 {
		names := Unit{Start: lines[1].start, End: lines[header-1].end, Kind: Header}
		context = contextOf(e.text[names.Start:names.End])
		e.emit(names)
	}
	var row Unit
	for _, l := range lines[header+1 : last] {
		switch {
		case l.blank():
		case row.End > 0 && l.indent > lines[0].indent:
			row.End = l.end
		default:
			e.emit(row)
			row = Unit{Start: l.start, End: l.end, Kind: Record, Context: context}
		}
	}
	e.emit(row)
}
