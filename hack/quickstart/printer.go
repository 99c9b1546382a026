package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// textWidth is where answers are broken: terminals have 80 columns or more.
const textWidth = 76

// printer writes what a person reads.
type printer struct {
	out   io.Writer
	steps int
}

func (p *printer) line(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format+"\n", args...) }

// step is one line: what was done and how long it took.
func (p *printer) step(name, what string, took time.Duration) {
	p.steps++
	p.line("%d. %-6s %9s  %s", p.steps, name, round(took), what)
}

// answer is an answer with its citations, indented.
func (p *printer) answer(a answer) {
	p.line("\n%s\n", indent(a.Answer, "   "))
	for _, c := range a.Citations {
		where := c.URL
		if where == "" {
			where = c.DocumentID
		}
		p.line("   [%d] %s, characters %d to %d", c.Marker, where, c.Span.Start, c.Span.End)
	}
	p.line("")
}

// indent breaks text into lines of words.
func indent(text, margin string) string {
	var out strings.Builder
	width := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case width == 0:
			out.WriteString(margin)
			width = len(margin)
		case width+1+len(word) > textWidth:
			out.WriteString("\n" + margin)
			width = len(margin)
		default:
			out.WriteByte(' ')
			width++
		}
		out.WriteString(word)
		width += len(word)
	}
	return out.String()
}

// round keeps three digits or so.
func round(d time.Duration) time.Duration {
	switch {
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	case d > 10*time.Millisecond:
		return d.Round(100 * time.Microsecond)
	default:
		return d.Round(10 * time.Microsecond)
	}
}
