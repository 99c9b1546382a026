package segment

import (
	"strings"
	"unicode/utf8"
)

// noTerm says that no term waits for what it defines.
const noTerm = -1

// emitter hands units on, one behind: a list that follows a sentence may yet join it.
type emitter struct {
	text  string
	yield func(Unit) bool
	// done says that nobody wants more.
	done bool
	last Unit
	has  bool
	// term is where a term starts that the next unit defines; termEnd where it ends.
	term, termEnd int
	// context is the line that what is being read stands under.
	context string
	// indented says that most of the text is indented, as a manual page is: lines at the margin are headings then.
	indented bool
}

// emit hands on a unit, without the white space around it, in parts when it is too long.
func (e *emitter) emit(u Unit) {
	u.Start, u.End = e.trim(u.Start, u.End)
	if u.Start >= u.End || e.done {
		return
	}
	if u.Context == "" && u.Kind != Heading && u.Kind != Header {
		u.Context = e.context
	}
	if e.term != noTerm {
		e.join(&u)
	}
	for u.End-u.Start > MaxUnit && !e.done {
		part := u
		part.End = u.Start + cutAt(e.text[u.Start:u.End], MaxUnit)
		u.Start, _ = e.trim(part.End, u.End)
		_, part.End = e.trim(part.Start, part.End)
		e.push(part)
	}
	if u.Start < u.End {
		e.push(u)
	}
}

// join puts the term that waits before the unit that it is defined by, or hands it on alone.
func (e *emitter) join(u *Unit) {
	start, end := e.term, e.termEnd
	e.term = noTerm
	if u.Kind == Sentence && u.End-start <= MaxUnit {
		u.Start = start
		u.Context = ""
		return
	}
	e.emit(Unit{Start: start, End: end, Kind: Item})
}

func (e *emitter) push(u Unit) {
	if e.has && !e.done {
		e.done = !e.yield(e.last)
	}
	e.last, e.has = u, true
}

// pop takes back the last unit, when it introduces what follows: it ends with a colon.
func (e *emitter) pop() (Unit, bool) {
	if !e.has || e.last.Kind != Sentence || !introduces(e.text[e.last.Start:e.last.End]) {
		return Unit{}, false
	}
	e.has = false
	return e.last, true
}

// introduction is the last unit as a context, when it introduces what follows.
func (e *emitter) introduction() string {
	if !e.has || e.last.Kind != Sentence || !introduces(e.text[e.last.Start:e.last.End]) {
		return ""
	}
	return contextOf(e.text[e.last.Start:e.last.End])
}

// flush hands on what waits.
func (e *emitter) flush() {
	if e.term != noTerm {
		start, end := e.term, e.termEnd
		e.term = noTerm
		e.emit(Unit{Start: start, End: end, Kind: Item})
	}
	if e.has && !e.done {
		e.yield(e.last)
	}
	e.has = false
}

// within runs read with another context.
func (e *emitter) within(context string, read func()) {
	before := e.context
	e.context = contextOf(context)
	read()
	e.context = before
}

func introduces(s string) bool {
	return strings.HasSuffix(s, ":") || strings.HasSuffix(s, "：")
}

// trim narrows [start,end) to what is between white space.
func (e *emitter) trim(start, end int) (int, int) {
	s := e.text[start:end]
	trimmed := strings.TrimLeftFunc(s, blank)
	start += len(s) - len(trimmed)
	return start, start + len(strings.TrimRightFunc(trimmed, blank))
}

// contextOf is s on one line, and cut between words.
func contextOf(s string) string {
	if len(s) > 2*maxContext {
		s = s[:cutAt(s, 2*maxContext)]
	}
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxContext {
		s = strings.TrimSpace(s[:cutAt(s, maxContext)])
	}
	return s
}

// cutAt is the best place to cut s into a first part of at most limit bytes: after white space or punctuation in its
// second half, else between two characters, never before a combining mark.
func cutAt(s string, limit int) int {
	if len(s) <= limit {
		return len(s)
	}
	end := limit
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	character := end
	for at := end; at > limit/2; {
		r, size := utf8.DecodeLastRuneInString(s[:at])
		if blank(r) || strings.ContainsRune(",;、，；:", r) {
			return at
		}
		next, _ := utf8.DecodeRuneInString(s[at:])
		if character == end && at < end && extends(next) {
			character = at - size
		}
		at -= size
	}
	next, _ := utf8.DecodeRuneInString(s[end:])
	if !extends(next) {
		return end
	}
	for at := end; at > limit/2; { // a character and its marks stay together
		r, size := utf8.DecodeLastRuneInString(s[:at])
		at -= size
		if !extends(r) {
			return at
		}
	}
	return end
}
