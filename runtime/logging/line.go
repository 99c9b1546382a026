package logging

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// line is a line of the log while an event writes itself into it. It is JSON from the beginning, not a list of attributes for
// log/slog to turn into JSON: a cached answer takes some 30 microseconds, of which that would be a tenth.
type line struct {
	text []byte
	// lowest is what the log writes at the moment; a line below is skipped.
	lowest, level Level
	skipped       bool
	ctx           context.Context //nolint:containedctx // until the event has described itself
	clock         func() time.Time
	now           time.Time // of a line that is not skipped
	// subject is what makes two warnings the same.
	subject subject
}

func (l *line) begin(ctx context.Context, clock func() time.Time, lowest Level) {
	*l = line{text: l.text[:0], lowest: lowest, ctx: ctx, clock: clock}
}

// is says which event the line tells and how grave it is. It comes before all attributes.
func (l *line) is(event string, level Level) {
	l.level, l.subject.event = level, event
	if l.skipped = level < l.lowest; l.skipped {
		return
	}
	l.now = l.clock()
	l.text = append(l.text, `{"timestamp":"`...)
	l.text = l.now.UTC().AppendFormat(l.text, time.RFC3339Nano)
	l.text = append(l.text, '"')
	l.quoted("level", level.String())
	l.quoted("event", event)
	l.trace()
	l.quoted("user_id", userID(l.ctx))
}

// trace writes the trace of the context in 32 hexadecimal characters, empty when it has none.
func (l *line) trace() {
	l.name("trace_id")
	l.text = append(l.text, '"')
	if id := trace.SpanContextFromContext(l.ctx).TraceID(); id.IsValid() {
		l.text = hex.AppendEncode(l.text, id[:])
	}
	l.text = append(l.text, '"')
}

// end completes the line.
func (l *line) end() []byte {
	l.text = append(l.text, "}\n"...)
	return l.text
}

// string writes an attribute; one that is empty is left out.
func (l *line) string(name, value string) {
	if !l.skipped && value != "" {
		l.quoted(name, value)
	}
}

// dependency and code are attributes that also tell warnings apart.
func (l *line) dependency(name string) {
	l.subject.dependency = name
	l.string("dependency", name)
}

func (l *line) code(code string) {
	l.subject.code = code
	l.string("code", code)
}

// query writes what is told of a query.
func (l *line) query(q Query) {
	l.string("query_hash", q.Hash)
	l.string("query", q.Text)
}

// int writes an attribute, 0 too.
func (l *line) int(name string, value int64) {
	if l.skipped {
		return
	}
	l.name(name)
	l.text = strconv.AppendInt(l.text, value, 10)
}

// float writes an attribute, 0 too. It is a finite number.
func (l *line) float(name string, value float64) {
	if l.skipped {
		return
	}
	l.name(name)
	l.text = strconv.AppendFloat(l.text, value, 'f', -1, 64)
}

// bool writes an attribute, false too.
func (l *line) bool(name string, value bool) {
	if l.skipped {
		return
	}
	l.name(name)
	l.text = strconv.AppendBool(l.text, value)
}

// ms writes a time in whole milliseconds.
func (l *line) ms(name string, d time.Duration) { l.int(name, d.Milliseconds()) }

// error writes an error with all that it wraps; nil is left out.
func (l *line) error(err error) {
	if err != nil {
		l.string("error", err.Error())
	}
}

func (l *line) name(name string) {
	l.text = append(l.text, ',', '"')
	l.text = append(l.text, name...)
	l.text = append(l.text, '"', ':')
}

func (l *line) quoted(name, value string) {
	l.name(name)
	if plain(value) {
		l.text = append(l.text, '"')
		l.text = append(l.text, value...)
		l.text = append(l.text, '"')
		return
	}
	l.text = append(l.text, quote(value)...)
}

// plain says whether a string stands in JSON as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// quote is s in JSON, readable: without escapes that only HTML needs.
func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return []byte(`""`) // never: a string always encodes
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
