package segment

import (
	"strings"
)

// maxObject is the longest object or array of JSON, in bytes, that is one unit.
const maxObject = 320

// jsonUnits reads JSON: an object or array that is short is a unit, of a longer one each member is, with the path of
// the keys as context. It takes what it can of text that is not quite JSON, and never looks at a byte more than twice.
func jsonUnits(e *emitter) {
	r := &jsonReader{emitter: e}
	for r.at < len(e.text) && !e.done {
		before := r.at
		r.members()
		if r.at == before {
			r.at++
		}
	}
}

type jsonReader struct {
	*emitter
	at   int
	path []string
}

// members hands on what stands from here to the end of the object or array that is open.
func (r *jsonReader) members() {
	for r.at < len(r.text) && !r.done {
		r.skip(" \t\r\n,:")
		if r.at >= len(r.text) {
			return
		}
		switch c := r.text[r.at]; c {
		case '}', ']':
			r.at++
			return
		case '{', '[':
			r.value(r.at, "")
		default:
			start := r.at
			r.scalar()
			end := r.at
			r.skip(" \t\r\n")
			if r.at < len(r.text) && r.text[r.at] == ':' && c == '"' {
				key := r.text[start:end]
				r.at++
				r.skip(" \t\r\n")
				r.value(start, strings.Trim(key, `"`))
				continue
			}
			r.at = end
			r.emit(Unit{Start: start, End: end, Kind: Record, Context: r.context()})
		}
	}
}

// value hands on a value, from start on, where its key stands.
func (r *jsonReader) value(start int, key string) {
	if r.at >= len(r.text) {
		return
	}
	if c := r.text[r.at]; c != '{' && c != '[' {
		r.scalar()
		r.emit(Unit{Start: start, End: r.at, Kind: Record, Context: r.context()})
		return
	}
	if end := r.short(); end > 0 {
		r.at = end
		r.emit(Unit{Start: start, End: end, Kind: Record, Context: r.context()})
		return
	}
	if key != "" {
		r.emit(Unit{Start: start, End: r.at, Kind: Header})
	}
	if len(r.path) >= 4*maxDepth { // deeper than anybody reads: as it stands
		r.at++
		return
	}
	r.path = append(r.path, key)
	r.at++
	r.members()
	r.path = r.path[:len(r.path)-1]
}

// short is the end of the object or array that begins here, when it is short and holds no other object.
func (r *jsonReader) short() int {
	depth, quoted := 0, false
	for i := r.at; i < len(r.text) && i-r.at < maxObject; i++ {
		switch c := r.text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// scalar passes over a string, a number or a word.
func (r *jsonReader) scalar() {
	if r.text[r.at] != '"' {
		n := strings.IndexAny(r.text[r.at:], ",]}: \t\r\n")
		if n <= 0 {
			n = min(1, len(r.text)-r.at)
			if !strings.ContainsAny(r.text[r.at:], ",]}: \t\r\n") {
				n = len(r.text) - r.at
			}
		}
		r.at += n
		return
	}
	for r.at++; r.at < len(r.text); r.at++ {
		switch r.text[r.at] {
		case '\\':
			r.at++
		case '"':
			r.at++
			return
		}
	}
	r.at = len(r.text)
}

func (r *jsonReader) skip(chars string) {
	for r.at < len(r.text) && strings.IndexByte(chars, r.text[r.at]) >= 0 {
		r.at++
	}
}

func (r *jsonReader) context() string {
	var names []string
	for _, name := range r.path {
		if name != "" {
			names = append(names, name)
		}
	}
	return contextOf(strings.Join(names, " > "))
}
