package rag

import (
	"strings"
	"unicode/utf8"
)

// maxMarker bounds a marker, in bytes.
const maxMarker = 48

// markerStarts are the brackets that open a marker.
const markerStarts = "[【［"

// readMarker reads a marker at the start of s: [1], [1, 2], [^1], ［1］, 【1】 or 【1†page】. It returns its length and the numbers in
// it, and a length of 0 when there is none. It is not complete while more text could make it one.
func readMarker(s string) (length int, numbers []int, complete bool) {
	opening, size := utf8.DecodeRuneInString(s)
	closing, rest, wide := "]", s[size:], opening == '【'
	switch opening {
	case '【':
		closing = "】"
	case '［':
		closing = "］"
	}
	end := strings.Index(rest, closing)
	inner := rest
	if end >= 0 {
		inner = rest[:end]
	}
	if len(inner) > maxMarker {
		return 0, nil, true
	}
	if note := strings.Index(inner, "†"); wide && note > 0 {
		inner = inner[:note]
	}
	inner = strings.TrimPrefix(inner, "^")
	number, digits := 0, 0
	for i := range len(inner) {
		switch c := inner[i]; {
		case c >= '0' && c <= '9' && digits < 3:
			number = 10*number + int(c-'0')
			digits++
		case (c == ',' || c == ';') && digits > 0:
			numbers = append(numbers, number)
			number, digits = 0, 0
		case c == ' ' && digits == 0 && len(numbers) > 0:
		case end < 0 && (beginsSign(inner[i:], closing) || wide && beginsSign(inner[i:], "†")):
			return 0, nil, false // a sign that has come in part
		default:
			return 0, nil, true
		}
	}
	if end < 0 {
		return 0, nil, false
	}
	if digits == 0 {
		return 0, nil, true
	}
	return len(s) - len(rest) + end + len(closing), append(numbers, number), true
}

// codeState tells whether a place of an answer stands in code: between backquotes on a line, or in a fence.
type codeState struct {
	// ticks is the length of the run of backquotes that opened the code, 0 outside.
	ticks int
	// fenced says that it is a fence, which only a line of its own ends.
	fenced bool
	// lineBegins says that nothing but white space stands on the line yet.
	lineBegins bool
}

// pass moves the state over s, which ends where no run of backquotes is cut.
func (c *codeState) pass(s string) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\n':
			c.lineBegins = true
			if !c.fenced {
				c.ticks = 0 // code on a line ends with it at the latest
			}
			continue
		case ' ', '\t', '\r':
			continue
		case '`':
			run := 1
			for i+run < len(s) && s[i+run] == '`' {
				run++
			}
			c.run(run)
			i += run - 1
		}
		c.lineBegins = false
	}
}

func (c *codeState) run(length int) {
	switch {
	case c.ticks == 0:
		c.ticks, c.fenced = length, length >= 3 && c.lineBegins
	case c.fenced && c.lineBegins && length >= c.ticks, !c.fenced && length == c.ticks:
		c.ticks, c.fenced = 0, false
	}
}

// beginsSign says whether rest, the end of what has come so far, may become sign.
func beginsSign(rest, sign string) bool { return strings.HasPrefix(sign, rest) }
