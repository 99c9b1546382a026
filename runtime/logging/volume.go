package logging

import (
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"
)

const (
	// reservedPart of a day's limit is for WARNING and above: 1/reservedPart of it INFO and DEBUG never use.
	reservedPart = 10
	day          = 24 * time.Hour
)

// volume bounds what is written in a day (UTC). While more than half of the day's bytes for INFO and DEBUG is left, everything is
// written. From then on the lines of every 2^n-th request are, with the smallest n at which what is left lasts until midnight at the
// rate of this minute, or of the one before if that was higher. WARNING and above are always written.
type volume struct {
	limit   int64 // bytes in a day; 0 for no limit
	day     int64 // days since 1970
	written int64
	// minute is how many there were since 1970, and offered how many bytes of INFO and DEBUG came in it, and in the one before.
	minute  int64
	offered [2]int64
	dropped map[string]int64
	// seen counts the lines of an event that belong to no request, of which the first of a day is kept.
	seen   map[string]uint64
	onDrop func(event string)
}

// admit counts a line of a size, and says whether it is to be written.
func (v *volume) admit(l *line, size int) bool {
	if l.level < LevelWarning && !v.sampled(l, size) {
		if v.dropped == nil {
			v.dropped = map[string]int64{}
		}
		v.dropped[l.subject.event]++
		if v.onDrop != nil {
			v.onDrop(l.subject.event)
		}
		return false
	}
	v.written += int64(size)
	return true
}

func (v *volume) sampled(l *line, size int) bool {
	if v.limit <= 0 {
		return true
	}
	budget := v.limit - v.limit/reservedPart
	left := budget - v.written
	if left <= 0 {
		return false
	}
	rate := v.rate(l.now, size)
	if left > budget/2 {
		return true
	}
	const minutes = int64(day / time.Minute)
	remaining := minutes - l.now.Unix()/60%minutes
	excess := rate * remaining / left
	if excess == 0 {
		return true
	}
	halvings := bits.Len64(uint64(excess)) //nolint:gosec // it is positive
	number := requestNumber(l)
	if number == 0 {
		if v.seen == nil {
			v.seen = map[string]uint64{}
		}
		number = v.seen[l.subject.event]
		v.seen[l.subject.event]++
	}
	return number&(1<<halvings-1) == 0
}

// rate counts a line and returns the bytes of a minute.
func (v *volume) rate(now time.Time, size int) int64 {
	if minute := now.Unix() / 60; minute != v.minute {
		before := v.offered[0]
		if minute != v.minute+1 {
			before = 0
		}
		v.minute, v.offered = minute, [2]int64{0, before}
	}
	v.offered[0] += int64(size)
	return max(v.offered[0], v.offered[1])
}

// requestNumber is a random number of the request that a line is about: its span, which the server draws and no caller chooses. 0
// for a line of no request.
func requestNumber(l *line) uint64 {
	var number uint64
	for _, b := range trace.SpanContextFromContext(l.ctx).SpanID() {
		number = number<<8 | uint64(b)
	}
	return number
}

// turn begins the day of now, and returns what was dropped on the one before.
func (v *volume) turn(now time.Time) (LinesDropped, bool) {
	today := daysSince1970(now)
	if today <= v.day {
		return LinesDropped{}, false // a clock that is set back does not give the day's bytes a second time
	}
	over, some := v.summary()
	v.day, v.written, v.seen = today, 0, nil
	return over, some
}

func daysSince1970(t time.Time) int64 { return t.Unix() / int64(day/time.Second) }

// summary is what was dropped since the last one.
func (v *volume) summary() (LinesDropped, bool) {
	told := LinesDropped{Day: time.Unix(v.day*int64(day/time.Second), 0), Limit: v.limit, Written: v.written, ByEvent: v.dropped}
	v.dropped = nil
	return told, len(told.ByEvent) > 0
}

// LinesDropped is what the daily limit kept out of the log; told when the day is over, and when the server ends.
type LinesDropped struct {
	Day time.Time
	// Limit and Written are bytes; Limit is this server's share.
	Limit, Written int64
	ByEvent        map[string]int64
}

func (e LinesDropped) describe(l *line) {
	var sum int64
	for _, n := range e.ByEvent {
		sum += n
	}
	l.is("log_lines_dropped", LevelWarning)
	l.string("day", e.Day.UTC().Format(time.DateOnly))
	l.int("limit_bytes", e.Limit)
	l.int("written_bytes", e.Written)
	l.int("dropped", sum)
	l.counts("dropped_by_event", e.ByEvent)
}

// counts writes an attribute of numbers by name, in the order of the names.
func (l *line) counts(name string, numbers map[string]int64) {
	if l.skipped {
		return
	}
	l.name(name)
	l.text = append(l.text, '{')
	for i, key := range slices.Sorted(maps.Keys(numbers)) {
		if i > 0 {
			l.text = append(l.text, ',')
		}
		l.text = append(append(l.text, quote(key)...), ':')
		l.text = strconv.AppendInt(l.text, numbers[key], 10)
	}
	l.text = append(l.text, '}')
}
