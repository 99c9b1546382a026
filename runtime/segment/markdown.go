package segment

import (
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	gtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

const (
	// markdownWindow is how much of a text goldmark reads at once, in bytes: its tree is many times as large.
	markdownWindow = 64 << 10
	// longLine is a line that goldmark never sees: it says nothing about structure.
	longLine = 8 << 10
	// maxContainers bounds the marks of lists and quotations that a line may begin with: each costs a node, and time with
	// each line below.
	maxContainers = 32
	// A code block of maxCode bytes or less is one unit; a longer one is cut into parts of whole lines.
	maxCode = 320
)

// blocks reads Markdown's blocks and nothing within them; blocksOfTildes knows fences of tildes too.
var (
	blocks         = newParser(backticks{parser.NewFencedCodeBlockParser()})
	blocksOfTildes = newParser(parser.NewFencedCodeBlockParser())
)

// backticks takes tildes for what they are in reStructuredText: the line under a heading.
type backticks struct{ parser.BlockParser }

// Trigger implements parser.BlockParser.
func (backticks) Trigger() []byte { return []byte{'`'} }

func newParser(fences parser.BlockParser) parser.Parser {
	return parser.NewParser(parser.WithBlockParsers(
		util.Prioritized(parser.NewSetextHeadingParser(), 100),
		util.Prioritized(parser.NewThematicBreakParser(), 200),
		util.Prioritized(parser.NewListParser(), 300),
		util.Prioritized(parser.NewListItemParser(), 400),
		util.Prioritized(parser.NewCodeBlockParser(), 500),
		util.Prioritized(parser.NewATXHeadingParser(), 600),
		util.Prioritized(fences, 700),
		util.Prioritized(parser.NewBlockquoteParser(), 800),
		util.Prioritized(parser.NewHTMLBlockParser(), 900),
		util.Prioritized(parser.NewParagraphParser(), 1000),
	))
}

// tildeFence is a fence of three tildes; a line under a heading is as long as the heading.
var tildeFence = regexp.MustCompile(`(?m)^~~~[a-z]*\r?$`)

// markdownUnits reads Markdown, and text of which nothing else is known.
func markdownUnits(e *emitter) {
	start := 0
	if strings.HasPrefix(e.text, "\ufeff") {
		start = len("\ufeff")
	}
	if end := frontMatter(e.text); end > 0 {
		e.sentences(nonBlank(e.text, 0, end), Record)
		start = end
	}
	for from, to := range windows(e.text[start:], markdownWindow) {
		if e.done {
			return
		}
		from, to := start+from, start+to
		if !treeIsSmall(e.text[from:to]) {
			plainPart(e, from, to)
			continue
		}
		source := []byte(e.text[from:to])
		read := blocks
		if tildeFence.Match(source) {
			read = blocksOfTildes
		}
		document := read.Parse(gtext.NewReader(source))
		m := &markdown{emitter: e, offset: from}
		m.children(document, 0)
	}
}

// frontMatter is the end of the YAML between two rules that a text may begin with; 0 without one.
func frontMatter(text string) int {
	const longest = 4 << 10
	if !strings.HasPrefix(text, "---\n") && !strings.HasPrefix(text, "---\r\n") {
		return 0
	}
	end := strings.Index(text[3:min(len(text), longest)], "\n---")
	if end < 0 {
		return 0
	}
	return 3 + end + len("\n---")
}

// treeIsSmall says whether goldmark's tree of s is bounded.
func treeIsSmall(s string) bool {
	for l := range linesOf(s, 0, len(s)) {
		if l.end-l.start > longLine {
			return false
		}
		marks := 0
		for _, c := range []byte(s[l.start:l.end]) {
			if strings.IndexByte(">-*+ \t", c) < 0 {
				break
			}
			if c != ' ' && c != '\t' {
				marks++
			}
		}
		if marks > maxContainers && strings.ContainsAny(s[l.start:l.end], "> ") {
			return false
		}
	}
	return true
}

// plainUnits reads text in which lines say all there is.
func plainUnits(e *emitter) {
	for from, to := range windows(e.text, markdownWindow) {
		plainPart(e, from, to)
	}
}

func plainPart(e *emitter, from, to int) {
	var lines []line
	for l := range linesOf(e.text, from, to) {
		lines = append(lines, l)
	}
	e.layout(lines, 0)
}

func nonBlank(text string, from, to int) []line {
	var lines []line
	for l := range linesOf(text, from, to) {
		if !l.blank() {
			lines = append(lines, l)
		}
	}
	return lines
}

// markdown walks the tree of a window of the text.
type markdown struct {
	*emitter
	// offset is where the window starts.
	offset int
}

// children reads the blocks under n. Paragraphs and indented blocks in a row are laid out together: in text that is not
// Markdown the one may define the other.
func (m *markdown) children(n ast.Node, depth int) {
	m.siblings(n.FirstChild(), depth)
}

func (m *markdown) siblings(c ast.Node, depth int) {
	var lines []line
	end := func() {
		if len(lines) > 0 {
			m.layout(lines, depth)
			lines = nil
		}
	}
	for ; c != nil && !m.done; c = c.NextSibling() {
		switch c.(type) {
		case *ast.Paragraph, *ast.TextBlock, *ast.HTMLBlock, *ast.CodeBlock:
			more := m.lines(c)
			if len(lines) > 0 && len(more) > 0 {
				at := lines[len(lines)-1].end
				lines = append(lines, line{start: at, end: at})
			}
			lines = append(lines, more...)
		default:
			end()
			m.node(c, depth)
		}
	}
	end()
}

func (m *markdown) node(n ast.Node, depth int) {
	switch n := n.(type) {
	case *ast.Heading:
		m.heading(n)
	case *ast.FencedCodeBlock:
		m.code(m.lines(n))
	case *ast.List:
		m.listNode(n, depth)
	case *ast.ThematicBreak:
	default:
		m.children(n, depth)
	}
}

// heading hands on a title; signs that only decorate it (an overline of reStructuredText) are no part of it.
func (m *markdown) heading(n *ast.Heading) {
	lines := m.lines(n)
	var words []line
	for _, l := range lines {
		if hasWord(m.text[l.start:l.end]) {
			words = append(words, l)
		}
	}
	if len(words) == 0 {
		return
	}
	if len(words) > 2 { // a line under a paragraph is no sign of a title
		m.layout(lines, 0)
		return
	}
	if first := words[0]; len(words) == 2 && sentenceEnd(m.text[first.start:first.end]) { // no blank line before the title
		m.layout(words[:1], 0)
		words = words[1:]
	}
	m.emit(Unit{Start: words[0].start, End: words[len(words)-1].end, Kind: Heading, Level: n.Level})
}

// lines are the lines of a block with the columns they stand in.
func (m *markdown) lines(n ast.Node) []line {
	segments := n.Lines()
	lines := make([]line, 0, segments.Len())
	for i := range segments.Len() {
		s := segments.At(i)
		start := m.offset + s.Start
		lines = append(lines, newLine(m.text, m.leftOf(start), m.offset+s.Stop, m.column(m.leftOf(start))))
	}
	return lines
}

// leftOf is where the white space before start begins.
func (m *markdown) leftOf(start int) int {
	for start > m.offset && (m.text[start-1] == ' ' || m.text[start-1] == '\t') {
		start--
	}
	return start
}

// column is the column of a place in its line.
func (m *markdown) column(at int) int {
	start := strings.LastIndexByte(m.text[m.offset:at], '\n') + 1 + m.offset
	return at - start
}

// code hands on a code block, whole when it is short.
func (m *markdown) code(lines []line) {
	context := m.introduction()
	emit := func(part []line) {
		if len(part) > 0 {
			m.emit(Unit{Start: part[0].start, End: part[len(part)-1].end, Kind: Code, Context: context})
		}
	}
	start := 0
	for i, l := range lines {
		first := lines[start]
		switch {
		case i == start:
		case l.end-first.start > maxCode:
			emit(lines[start:i])
			start = i
		case l.blank() && l.end-first.start > maxCode/2:
			emit(lines[start:i])
			start = i + 1
		}
	}
	if start < len(lines) {
		emit(lines[start:])
	}
}

// listNode hands on a list. An item with a block that is more than a paragraph or a list is read block by block.
func (m *markdown) listNode(n *ast.List, depth int) {
	var items []item
	simple := true
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		var lines []line
		for b := c.FirstChild(); b != nil; b = b.NextSibling() {
			if len(lines) > 0 {
				simple = false
			}
			switch b.(type) {
			case *ast.Paragraph, *ast.TextBlock:
				lines = append(lines, m.lines(b)...)
			default:
				simple = false
			}
		}
		if len(lines) == 0 {
			simple = simple && c.FirstChild() == nil
			continue
		}
		items = append(items, item{mark: m.markOf(lines[0]), lines: lines})
	}
	if simple {
		m.emitList(items, depth)
		return
	}
	context := m.introduction()
	read := func() {
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			m.itemNode(c, depth)
		}
	}
	if context == "" {
		read()
		return
	}
	m.within(context, read)
}

// itemNode hands on an item: its first paragraph, and what stands under it with that as context.
func (m *markdown) itemNode(n ast.Node, depth int) {
	first := n.FirstChild()
	if first == nil {
		return
	}
	switch first.(type) {
	case *ast.Paragraph, *ast.TextBlock:
	default:
		m.children(n, depth+1)
		return
	}
	lines := m.lines(first)
	m.emitItem(item{mark: m.markOf(lines[0]), lines: lines}, depth)
	under := func() {
		m.siblings(first.NextSibling(), depth+1)
	}
	if first.NextSibling() == nil || depth >= maxDepth {
		under()
		return
	}
	m.within(m.text[lines[0].start:lines[len(lines)-1].end], under)
}

// markOf is where the mark of an item starts whose first line is l.
func (m *markdown) markOf(l line) int {
	start := strings.LastIndexByte(m.text[m.offset:l.start], '\n') + 1 + m.offset
	for start < l.start && strings.IndexByte(" \t>", m.text[start]) >= 0 {
		start++
	}
	if start < l.start && l.start-start > 12 { // an item that begins an item: "- - a"
		return l.start
	}
	return start
}
