package terms

import (
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxRun bounds what is worked on at once, in bytes; a longer run without white space is cut, between words where it can
// be. So the work on a text of any kind takes little memory.
const maxRun = 1024

// nextRun finds the next run from place on: a stretch without white space and control characters. At the end start equals
// end. The run continues the one before it when that was cut.
func nextRun(text string, place int) (start, end int) {
	for place < len(text) {
		r, size := utf8.DecodeRuneInString(text[place:])
		if !separates(r, size) {
			break
		}
		place += size
	}
	start, end = place, place
	cut := 0 // the last good place to cut
	for end < len(text) {
		r, size := utf8.DecodeRuneInString(text[end:])
		if separates(r, size) {
			return start, end
		}
		if end+size-start > maxRun {
			if cut > start {
				return start, cut
			}
			return start, end
		}
		end += size
		if r < utf8.RuneSelf && !isASCIIWord(byte(r)) || r >= 0x0E00 && scriptOf(r) != spaced { //nolint:gosec // below 128
			cut = end
		}
	}
	return start, end
}

func separates(r rune, size int) bool {
	switch {
	case r == utf8.RuneError && size == 1:
		return true
	case r < utf8.RuneSelf:
		return r <= ' ' || r == 0x7F
	default:
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}
}

func isASCIIWord(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// normalized is a run as it is compared, but for its case, and where in the text its bytes come from.
type normalized struct {
	text []byte
	// starts and ends are, for each byte of text, the bounds of the characters in the original that it was made of. Both
	// are empty when the run stands in the text as it is.
	starts, ends []int
	// base is the place of the run in the text.
	base int

	visible                []byte // scratch: the run without invisible characters
	visibleFrom, visibleTo []int  // scratch: the bounds of its bytes
}

func (n *normalized) reset(base int) {
	n.base = base
	n.text, n.starts, n.ends = n.text[:0], n.starts[:0], n.ends[:0]
	n.visible, n.visibleFrom, n.visibleTo = n.visible[:0], n.visibleFrom[:0], n.visibleTo[:0]
}

// original gives the bounds in the text of the bytes from start up to end.
func (n *normalized) original(start, end int) (int, int) {
	if len(n.starts) == 0 {
		return n.base + start, n.base + end
	}
	return n.starts[start], n.ends[end-1]
}

// normalize reads a run.
func (n *normalized) normalize(run string, base int) {
	n.reset(base)
	escaped := strings.Contains(run, `\u`)
	if !escaped && isASCII(run) {
		n.text = append(n.text, run...)
		for i, b := range n.text {
			if b == '`' {
				n.text[i] = '\''
			}
		}
		return
	}
	for at := 0; at < len(run); {
		start := at
		r, size := utf8.DecodeRuneInString(run[at:])
		if escaped && r == '\\' {
			r, size = unescape(run[at:])
		}
		at += size
		if r = unify(r); r < 0 {
			continue
		}
		before := len(n.visible)
		n.visible = utf8.AppendRune(n.visible, r)
		for range len(n.visible) - before {
			n.visibleFrom = append(n.visibleFrom, base+start)
			n.visibleTo = append(n.visibleTo, base+at)
		}
	}
	var segments norm.Iter
	segments.Init(norm.NFKC, n.visible)
	for !segments.Done() {
		from := segments.Pos()
		segment := segments.Next()
		// What becomes several characters comes in several segments, and the place moves with the last one.
		last := max(from, segments.Pos()-1)
		n.append(segment, n.visibleFrom[from], n.visibleTo[last])
	}
}

// unescape is the character that s, which begins with a backslash, begins with: JSON may write any as \u and four digits, two of these for
// the rarer ones.
func unescape(s string) (r rune, size int) {
	const length = len(`\u0000`)
	unit := func(s string) rune {
		if len(s) < length || s[1] != 'u' {
			return utf8.RuneError
		}
		code, err := strconv.ParseUint(s[2:length], 16, 16)
		if err != nil {
			return utf8.RuneError
		}
		return rune(code)
	}
	switch r = unit(s); {
	case r == utf8.RuneError:
	case r <= ' ':
		return ' ', length
	case !utf16.IsSurrogate(r):
		return r, length
	case len(s) >= 2*length && s[length] == '\\':
		if r = utf16.DecodeRune(r, unit(s[length:])); r != utf8.RuneError {
			return r, 2 * length
		}
	}
	return '\\', 1
}

func (n *normalized) append(segment []byte, start, end int) {
	for i := 0; i < len(segment); {
		r, size := utf8.DecodeRune(segment[i:])
		i += size
		before := len(n.text)
		if r = unify(r); r >= 0 {
			n.text = utf8.AppendRune(n.text, r)
		}
		for range len(n.text) - before {
			n.starts = append(n.starts, start)
			n.ends = append(n.ends, end)
		}
	}
}

// unify maps characters that are typed for one another, and gives -1 for those that are not seen.
func unify(r rune) rune {
	if r < 0xA0 {
		if r == '`' {
			return '\''
		}
		return r
	}
	switch r {
	case '\u2018', '\u2019', '\u201B', '\u02BC', '\u02BB', '\u02BD', '\u2032', '\u00B4', '\uFF07', '\u05F3', '\uA78C':
		return '\''
	case '\u05F4', '\u2033':
		return '"'
	case '\u2010', '\u2011', '\u2212', '\u05BE', '\uFE63', '\uFF0D', '\u00AD':
		if r == '\u00AD' {
			return -1
		}
		return '-'
	case '\u2122', '\u2120', '\u00AE', '\u00A9': // NFKC makes letters of some, which would stick to the word before
		return ' '
	case '\u00BC', '\u00BD', '\u00BE': // and digits of these: 1½ is not 11/2
		return ' '
	case '\u0640': // Arabic tatweel only stretches a word
		return -1
	}
	if ignorable(r) {
		return -1
	}
	if unicode.Is(unicode.Nd, r) {
		return asciiDigit(r)
	}
	return r
}

// ignorable says whether r has the property Default_Ignorable_Code_Point: soft hyphens, zero-width characters, marks of
// direction, selectors of variants, fillers.
func ignorable(r rune) bool {
	switch {
	case r == 0xAD, r == 0x34F, r == 0x61C, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x3164, r == 0xFEFF, r == 0xFFA0:
		return true
	case r >= 0x180B && r <= 0x180F, r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F:
		return true
	case r >= 0xFE00 && r <= 0xFE0F, r >= 0xFFF0 && r <= 0xFFFB, r >= 0x1BCA0 && r <= 0x1BCA3, r >= 0x1D173 && r <= 0x1D17A,
		r >= 0xE0000 && r <= 0xE0FFF:
		return true
	}
	return false
}

// asciiDigit is the digit 0 to 9 that means the same as r, which is a decimal digit of any script. Unicode keeps the ten
// digits of a script together.
func asciiDigit(r rune) rune {
	ranges16, ranges32 := unicode.Nd.R16, unicode.Nd.R32
	if i := sort.Search(len(ranges16), func(i int) bool { return rune(ranges16[i].Hi) >= r }); i < len(ranges16) && rune(ranges16[i].Lo) <= r {
		return '0' + (r-rune(ranges16[i].Lo))%10
	}
	i := sort.Search(len(ranges32), func(i int) bool { return rune(ranges32[i].Hi) >= r }) //nolint:gosec // no code point is beyond 2^21
	if i < len(ranges32) && rune(ranges32[i].Lo) <= r {                                    //nolint:gosec // the same
		return '0' + (r-rune(ranges32[i].Lo))%10 //nolint:gosec // the same
	}
	return r
}
