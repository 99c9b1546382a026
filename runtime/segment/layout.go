package segment

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds how deep indentation is followed.
const maxDepth = 8

// layout reads lines of which nothing is known but how they stand: paragraphs, headings with a line under them, lists,
// tables, and what stands indented under a line.
func (e *emitter) layout(lines []line, depth int) {
	for i := 0; i < len(lines) && !e.done; {
		switch l := lines[i]; {
		case l.blank():
			i++
		case tableStarts(e.text, lines[i:]):
			i += e.table(lines[i:])
		case columnRule(e.text, l):
			header, last := ruled(e.text, lines[i:])
			if last > 0 {
				e.ruledTable(lines[i:], header, last)
			}
			i += last + 1
		case !hasWord(e.text[l.start:l.end]) && decoration(e.text[l.start:l.end]):
			i++
		case e.underlined(lines[i:]):
			e.emit(Unit{Start: l.start, End: l.end, Kind: Heading, Level: underlineLevel(e.text[lines[i+1].start])})
			i += 2
		case markWidth(e.text[l.start:l.end]) > 0:
			i += e.list(lines[i:], depth)
		default:
			i += e.block(lines[i:], depth)
		}
	}
}

// block reads a paragraph, or a line with what stands indented under it, and returns how many lines that was.
func (e *emitter) block(lines []line, depth int) int {
	first := lines[0]
	n := e.paragraphLength(lines)
	if n == 1 && emphasized(e.text[first.start:first.end]) {
		e.emit(Unit{Start: first.start, End: first.end, Kind: Heading, Level: emphasisLevel})
		return n
	}
	under := next(lines, n)
	head := n == 1 && under < len(lines) && lines[under].indent > first.indent+1 && depth < maxDepth && first.end-first.start <= maxContext
	switch {
	case head && e.indented && first.indent <= 3 && !sentenceEnd(e.text[first.start:first.end]) && !introduces(e.text[first.start:first.end]):
		e.emit(Unit{Start: first.start, End: first.end, Kind: Heading, Level: 1 + first.indent/3})
		return n // what stands under it is read as if it stood alone
	case head && (under == n || !sentenceEnd(e.text[first.start:first.end])):
		end := n + deeper(lines[n:], first.indent)
		e.flushTerm()
		if colon := introduces(e.text[first.start:first.end]); colon && under > n {
			e.sentences(lines[:n], Sentence)
		} else {
			e.term, e.termEnd = first.start, first.end
		}
		e.within(e.text[first.start:first.end], func() { e.layout(lines[n:end], depth+1) })
		e.flushTerm()
		return end
	}
	if gap := definition(e.text, lines[:n]); gap > 0 {
		e.paragraphOrRows(lines[:n])
		end := n + deeper(lines[n:], first.indent)
		e.within(e.text[first.start:first.start+gap], func() { e.layout(lines[n:end], depth+1) })
		return end
	}
	e.paragraphOrRows(lines[:n])
	return n
}

// emphasisLevel is the level of a line in bold type that stands for a heading: below those that are marked as such.
const emphasisLevel = 7

// emphasized says whether a line is bold as a whole, and no sentence but a question.
func emphasized(s string) bool {
	if len(s) <= 4 || !strings.HasPrefix(s, "**") || !strings.HasSuffix(s, "**") || strings.Contains(s[2:len(s)-2], "**") {
		return false
	}
	inner := strings.Trim(s, "*")
	return !sentenceEnd(inner) || strings.HasSuffix(inner, "?") || strings.HasSuffix(inner, "？") || strings.HasSuffix(inner, "؟")
}

func (e *emitter) flushTerm() {
	if e.term == noTerm {
		return
	}
	start, end := e.term, e.termEnd
	e.term = noTerm
	e.emit(Unit{Start: start, End: end, Kind: Item})
}

// paragraphLength is how many of the lines are the paragraph that begins with the first.
func (e *emitter) paragraphLength(lines []line) int {
	first := lines[0]
	hanging := gapAt(e.text[first.start:first.end]) > 0 || first.end-first.start > 60
	n := 1
	for ; n < len(lines); n++ {
		l := lines[n]
		s := e.text[l.start:l.end]
		if l.blank() || markWidth(s) > 0 || decoration(s) && !hasWord(s) || tableStarts(e.text, lines[n:]) || e.underlined(lines[n:]) {
			break
		}
		switch base := lines[max(n-1, 1)].indent; {
		case n == 1 && l.indent > first.indent+1 && !hanging:
			return 1
		case n == 1 && l.indent < first.indent && first.indent-l.indent > tab:
			return 1
		case n > 1 && (l.indent > base+1 || l.indent < base-1):
			return n
		}
	}
	return n
}

// next is the place of the first line from n on that is not blank.
func next(lines []line, n int) int {
	for n < len(lines) && lines[n].blank() {
		n++
	}
	return n
}

// deeper is how many lines stand deeper than indent, blank lines among them.
func deeper(lines []line, indent int) int {
	n := 0
	for i, l := range lines {
		if !l.blank() {
			if l.indent <= indent {
				break
			}
			n = i + 1
		}
	}
	return n
}

// definition is the length of the term that a paragraph begins with, when the rest of its first line and the lines below
// stand aligned to its right.
func definition(text string, lines []line) int {
	if len(lines) > 1 && lines[1].indent <= lines[0].indent {
		return 0
	}
	return gapAt(text[lines[0].start:lines[0].end])
}

// gapAt is where a gap of two spaces or a tab in a line begins that does not stand behind a sentence; 0 without one.
func gapAt(s string) int {
	for i := 1; i+2 < len(s); i++ {
		if s[i] == '\t' || s[i] == ' ' && s[i+1] == ' ' {
			if sentenceEnd(s[:i]) || strings.HasSuffix(s[:i], ",") {
				return 0
			}
			return i
		}
	}
	return 0
}

// paragraphOrRows hands on a paragraph: as rows when its lines are columns, else as sentences.
func (e *emitter) paragraphOrRows(lines []line) {
	if !columns(e.text, lines) {
		e.sentences(lines, Sentence)
		return
	}
	context := ""
	if first := e.text[lines[0].start:lines[0].end]; namesColumns(first) {
		context = contextOf(first)
		e.emit(Unit{Start: lines[0].start, End: lines[0].end, Kind: Header})
		lines = lines[1:]
	}
	for _, l := range lines {
		e.emit(Unit{Start: l.start, End: l.end, Kind: Record, Context: context})
	}
}

// underlined says whether the second line underlines the first, as a heading.
func (e *emitter) underlined(lines []line) bool {
	if len(lines) < 2 || lines[1].blank() {
		return false
	}
	title, rule := e.text[lines[0].start:lines[0].end], e.text[lines[1].start:lines[1].end]
	if len(rule) < 3 || !hasWord(title) || !strings.ContainsRune("=-~^*#+\"'`.:", rune(rule[0])) || strings.Trim(rule, rule[:1]) != "" {
		return false
	}
	length := utf8.RuneCountInString(title)
	return length <= 2*len(rule) && length <= 120 && lines[1].indent <= lines[0].indent+1
}

func underlineLevel(mark byte) int {
	switch mark {
	case '=', '*', '#':
		return 1
	case '-':
		return 2
	default:
		return 3
	}
}

// decoration says whether s, which has no word, is a line drawn with signs.
func decoration(s string) bool {
	return strings.TrimFunc(s, func(r rune) bool {
		return strings.ContainsRune("-=*_~^#+.:|/\\ \t`'\"<>", r) || r >= 0x2500 && r < 0x2580
	}) == ""
}

// sentenceEnd says whether s ends as a sentence does.
func sentenceEnd(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRight(s, "\"')]”»"))
	return strings.ContainsRune(".!?。！？؟।…", r)
}

// markWidth is the length of the mark of a list item that s begins with, spaces behind it included; 0 without one.
func markWidth(s string) int {
	r, size := utf8.DecodeRuneInString(s)
	width := 0
	switch {
	case strings.ContainsRune("-*+•·◦▪‣–●○", r):
		width = size
	case r >= '0' && r <= '9':
		digits := 1
		for digits < len(s) && digits < 4 && s[digits] >= '0' && s[digits] <= '9' {
			digits++
		}
		if digits < len(s) && digits < 4 && (s[digits] == '.' || s[digits] == ')') {
			width = digits + 1
		}
	case r == '(' && len(s) > 2 && s[2] == ')' && isAlphanumeric(s[1]):
		width = 3
	case r < utf8.RuneSelf && unicode.IsLower(r) && len(s) > 1 && s[1] == ')':
		width = 2
	}
	if width == 0 || width >= len(s) || s[width] != ' ' && s[width] != '\t' {
		return 0
	}
	for width < len(s) && (s[width] == ' ' || s[width] == '\t') {
		width++
	}
	return width
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// numbered says whether the mark that s begins with counts.
func numbered(s string) bool { return s[0] == '(' || isAlphanumeric(s[0]) }
