package segment

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/sentences"
)

// sentences hands on the sentences of a paragraph, whose lines are wrapped: the end of a line ends no sentence.
func (e *emitter) sentences(lines []line, kind Kind) {
	width := e.margin(lines)
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && lines[n].end-lines[0].start <= maxBlock && !e.broken(lines[n-1], lines[n], width) {
			n++
		}
		e.paragraph(lines[:n], kind)
		lines = lines[n:]
	}
}

// margin is the length of the longest of lines, or, where most of them end before any margin, more than that.
func (e *emitter) margin(lines []line) int {
	width, breaks := 0, 0
	for _, l := range lines {
		width = max(width, l.end-l.start)
	}
	for i := 1; i < len(lines); i++ {
		if e.broken(lines[i-1], lines[i], width) {
			breaks++
		}
	}
	if breaks*2 >= len(lines)-1 && breaks > 0 {
		return 2 * width
	}
	return width
}

// broken says whether a line ends where its writer wanted, not where the margin was: the first word of the next one, which
// begins like a sentence, would have fitted by far.
func (e *emitter) broken(l, following line, width int) bool {
	word := e.text[following.start:following.end]
	if n := strings.IndexAny(word, " \t"); n >= 0 {
		word = word[:n]
	}
	first := firstRune(word)
	length := l.end - l.start + len(word)
	switch {
	case unicode.IsUpper(first) || unicode.IsDigit(first):
		return length*4 < width*3
	case unicode.Is(unicode.Lo, first):
		return length*2 < width && len(word) < width/2
	default:
		return false
	}
}

func (e *emitter) paragraph(lines []line, kind Kind) {
	first, last := lines[0].start, lines[len(lines)-1].end
	for from := first; from < last; {
		to := last
		if to-from > maxBlock { // one line without an end
			to = from + cutAt(e.text[from:last], maxBlock)
		}
		s := unwrap(e.text[from:to], from, lines)
		start := 0
		for _, end := range sentenceEnds(s) {
			start = end - len(strings.TrimLeft(s[start:end], " "))
			e.emit(Unit{Start: from + start, End: from + start + len(strings.TrimRight(s[start:end], " ")), Kind: kind})
			start = end
		}
		from = to
	}
}

// unwrap is s with spaces for whatever lies between its lines, as long as s.
func unwrap(s string, offset int, lines []line) string {
	if !strings.ContainsAny(s, "\r\n\t") {
		return s
	}
	out := []byte(s)
	at := 0
	for _, l := range lines {
		from, to := min(max(l.start-offset, at), len(out)), min(max(l.end-offset, at), len(out))
		for ; at < from; at++ {
			out[at] = ' '
		}
		at = to
	}
	for i, c := range out {
		if c < ' ' {
			out[i] = ' '
		}
	}
	return string(out)
}

// sentenceEnds are the ends of the sentences of s, which stands on one line.
func sentenceEnds(s string) []int {
	var ends []int
	for split := sentences.FromString(s); split.Next(); {
		from := split.Start()
		if n := len(ends); n > 0 && ends[n-1] == from { // a bracket that opens is of the sentence behind it
			from = openedAt(s[:from])
			ends[n-1] = from
		}
		if n := len(ends); n > 0 && goesOn(s[:from], s[from:]) {
			ends = ends[:n-1]
			from = 0
			if n > 1 {
				from = ends[n-2]
			}
		}
		ends = append(ends, splitMore(s, from, split.End())...)
	}
	return ends
}

// goesOn says whether a sentence goes on although a boundary lies between before and after: behind an abbreviation, or
// when nothing but signs follow.
func goesOn(before, after string) bool {
	if !hasWord(after) {
		return true
	}
	trimmed := strings.TrimRight(before, " ")
	if last, _ := utf8.DecodeLastRuneInString(trimmed); strings.ContainsRune("\"'”’»)", last) && unicode.IsLower(firstRune(after)) {
		return true // "Stop!" said the guard.
	}
	if strings.HasPrefix(after, "と") || strings.HasPrefix(after, "って") { // a quotation in Japanese
		return strings.HasSuffix(trimmed, "」") || strings.HasSuffix(trimmed, "』")
	}
	if !strings.HasSuffix(trimmed, ".") {
		return false
	}
	return abbreviates(trimmed) || ordinal(trimmed, after) || dated(trimmed, after) || initials(trimmed) && !opens(after)
}

// openedAt is the end of s without the brackets and marks that open at it.
func openedAt(s string) int {
	return len(strings.TrimRight(s, "「『（《〈【“„«¿¡"))
}

// splitMore cuts [from,to) where the standard does not, because it waits for a letter: a sentence may begin with code, a
// sign or a number.
func splitMore(s string, from, to int) []int {
	var ends []int
	for at := from; at < to; at++ {
		c := s[at]
		wide := wideEnd(s[at:])
		if c != '.' && c != '!' && c != '?' && wide == 0 {
			continue
		}
		next := at + max(wide, 1)
		for next < to && strings.IndexByte("\"')]*_`", s[next]) >= 0 {
			next++
		}
		begin := next
		for begin < to && s[begin] == ' ' {
			begin++
		}
		if begin == next && wide == 0 || begin == to || !begins(s[begin:to]) || c == '.' && abbreviates(s[from:at+1]) {
			continue
		}
		if d := s[begin]; d >= '0' && d <= '9' && wide == 0 && !plainWord(s[from:at]) {
			continue
		}
		ends = append(ends, begin)
	}
	return append(ends, to)
}

// wideEnd is the length of the full-width end of a sentence that s begins with, behind which no space stands; 0 without one.
func wideEnd(s string) int {
	for _, mark := range []string{"。", "！", "？"} {
		if strings.HasPrefix(s, mark) {
			return len(mark)
		}
	}
	return 0
}

// begins says whether s can be the beginning of a sentence that has no letter in front, or that begins with a small one: an address.
func begins(s string) bool {
	first, size := utf8.DecodeRuneInString(s)
	switch first {
	case '.', '~', '@', '/':
		next, _ := utf8.DecodeRuneInString(s[size:])
		return unicode.IsDigit(next) || first != '.' && unicode.IsLetter(next)
	case 'h':
		return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
	case '`', '-', '$', '"', '“', '«', '‘', '<', '+', '±', '−', '*', '_', '¿', '¡', '»', '„':
		return size < len(s) && s[size] != ' '
	}
	return first >= '0' && first <= '9'
}

// plainWord says whether s ends with a whole word of four small letters or more, behind which a number begins anew.
func plainWord(s string) bool {
	letters := 0
	for len(s) > 0 {
		r, size := utf8.DecodeLastRuneInString(s)
		if !unicode.IsLower(r) {
			return letters >= 4 && r == ' '
		}
		letters++
		s = s[:len(s)-size]
	}
	return letters >= 4
}
