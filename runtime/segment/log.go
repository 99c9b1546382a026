package segment

import (
	"regexp"
)

// stampLength is how much of a line is looked at for a time.
const stampLength = 96

// stamped matches how a line of a log begins: with a date and a time as ISO 8601, syslog, klog, Go and Java write them, or after the
// client's address as web servers do.
var stamped = regexp.MustCompile(`^(?:[\[(<]?(?:` +
	`\d{4}[-/]\d\d[-/]\d\d[T ,_]+\d\d:\d\d` +
	`|\d\d[-/](?:\d\d|[A-Z][a-z]{2})[-/]\d{2,4}[: T]\d\d:\d\d` +
	`|[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d` +
	`|[IWEF]\d{4} \d\d:\d\d:\d\d)` +
	`|\S+ \S+ \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:)`)

func isStamped(s string) bool { return stamped.MatchString(s[:min(len(s), stampLength)]) }

// isLog says that a text begins with a line of a log, and that half of its lines are; others go on what a line says, as the trace of an
// error does.
func isLog(head string) bool {
	lines, with := 0, 0
	for l := range linesOf(head, 0, len(head)) {
		if l.blank() {
			continue
		}
		lines++
		if isStamped(head[l.start:l.end]) {
			with++
		} else if with == 0 {
			return false
		}
	}
	return with >= 2 && with*2 >= lines
}

// logUnits makes a unit of each line with what follows it up to the next one.
func logUnits(e *emitter) {
	start, end := 0, 0
	for l := range linesOf(e.text, 0, len(e.text)) {
		switch {
		case e.done:
			return
		case l.blank():
		case isStamped(e.text[l.start:l.end]):
			e.emit(Unit{Start: start, End: end, Kind: Record})
			start, end = l.start, l.end
		default:
			end = l.end
		}
	}
	e.emit(Unit{Start: start, End: end, Kind: Record})
}
