package segment

// maxList is the longest list, in bytes, that is one unit together with what introduces it.
const maxList = 320

// item is an item of a list: its lines, of which the first begins behind the mark.
type item struct {
	// mark is where the mark starts.
	mark  int
	lines []line
}

// list reads the list that lines begin with and returns how many lines it has.
func (e *emitter) list(lines []line, depth int) int {
	items, n := e.items(lines)
	e.emitList(items, depth)
	return n
}

func (e *emitter) items(lines []line) ([]item, int) {
	var items []item
	indent := lines[0].indent
	n := 0
	for n < len(lines) {
		l := lines[n]
		width := 0
		if !l.blank() {
			width = markWidth(e.text[l.start:l.end])
		}
		if width == 0 || l.indent > indent+3 || l.indent < indent-3 {
			break
		}
		end := n + 1 + deeper(lines[n+1:], l.indent)
		if end == n+1 { // lines that go on at the margin of the mark
			for end < len(lines) && !lines[end].blank() && lines[end].indent >= l.indent && markWidth(e.text[lines[end].start:lines[end].end]) == 0 &&
				!tableStarts(e.text, lines[end:]) && !e.underlined(lines[end:]) {
				end++
			}
		}
		inner := append([]line{{start: l.start + width, end: l.end, indent: l.indent + width}}, lines[n+1:end]...)
		items = append(items, item{mark: l.start, lines: inner})
		n = end
		if following := next(lines, n); following < len(lines) && following-n <= 1 && markWidth(e.text[lines[following].start:lines[following].end]) > 0 {
			n = following
		}
	}
	return items, max(n, 1)
}

// emitList hands on a list: whole, with what introduces it, when it is short and numbered or has an introduction.
func (e *emitter) emitList(items []item, depth int) {
	if len(items) == 0 {
		return
	}
	start, end := items[0].mark, items[len(items)-1].lines[len(items[len(items)-1].lines)-1].end
	if len(items) > 1 && e.term == noTerm && (numbered(e.text[start:]) || e.introduction() != "") {
		intro, there := e.pop()
		if !there {
			intro = Unit{Start: start}
		}
		if end-intro.Start <= maxList {
			e.emit(Unit{Start: intro.Start, End: end, Kind: Item, Context: intro.Context})
			return
		}
		if there {
			e.push(intro)
		}
	}
	read := func() {
		for _, it := range items {
			e.emitItem(it, depth)
		}
	}
	if intro := e.introduction(); intro != "" {
		e.within(intro, read)
		return
	}
	read()
}

// emitItem hands on an item: whole when it is short, else its sentences and what else it holds.
func (e *emitter) emitItem(it item, depth int) {
	last := it.lines[len(it.lines)-1]
	simple := true
	for i, l := range it.lines {
		simple = simple && !l.blank() && (i == 0 || markWidth(e.text[l.start:l.end]) == 0)
	}
	start := it.lines[0].start
	if numbered(e.text[it.mark:]) {
		start = it.mark
	}
	if simple && last.end-start <= maxList {
		e.emit(Unit{Start: start, End: last.end, Kind: Item})
		return
	}
	if simple {
		lines := append([]line{{start: start, end: it.lines[0].end, indent: it.lines[0].indent}}, it.lines[1:]...)
		e.sentences(lines, Item)
		return
	}
	if depth >= maxDepth {
		e.sentences(it.lines, Item)
		return
	}
	first := it.lines[0]
	if first.blank() {
		e.layout(it.lines[1:], depth+1)
		return
	}
	n := e.paragraphLength(it.lines)
	lines := append([]line{{start: start, end: first.end, indent: first.indent}}, it.lines[1:n]...)
	e.sentences(lines, Item)
	e.within(e.text[first.start:first.end], func() { e.layout(it.lines[n:], depth+1) })
}
