package logging

import (
	"context"
	"io"
	"log/slog"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// Log is a server's log. Its level and the secrets that it blots out may change while it is in use.
type Log struct {
	*slog.Logger
	level slog.LevelVar
	out   *redactor
}

// New writes to w, from INFO on.
func New(w io.Writer) *Log {
	l := &Log{out: &redactor{w: w}}
	lines := slog.NewJSONHandler(l.out, &slog.HandlerOptions{Level: &l.level, ReplaceAttr: rename})
	l.Logger = slog.New(&handler{root: lines, next: lines, repeats: &repeats{}})
	return l
}

// SetLevel changes the lowest level that is written: DEBUG, INFO, WARNING, ERROR or CRITICAL.
func (l *Log) SetLevel(name string) error {
	level, err := parseLevel(name)
	if err != nil {
		return err
	}
	l.level.Set(level)
	return nil
}

// Redact replaces the list of secrets that are blotted out wherever they stand in a line.
func (l *Log) Redact(secrets ...string) { l.out.set(secrets) }

// rename gives slog's own fields the names of the contract.
func rename(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		a.Key = "timestamp"
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	case slog.MessageKey:
		a.Key = "event"
	case slog.LevelKey:
		if level, ok := a.Value.Any().(slog.Level); ok {
			a.Value = slog.StringValue(levelNames[level])
		}
	}
	return a
}

type userKey struct{}

// WithUser makes lines of ctx say whom they are about: a key's name or a hash, never more.
func WithUser(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

// handler adds trace_id and user_id to each line and holds back warnings that repeat.
type handler struct {
	// root writes lines of the log itself, next those of this logger, with what With has said.
	root, next slog.Handler
	repeats    *repeats
	// subject is what With has said of the lines to come.
	subject subject
}

// Enabled follows the log's level.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle writes a line, or counts a warning that repeats.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	user, _ := ctx.Value(userKey{}).(string)
	line := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	line.AddAttrs(slog.String("trace_id", telemetry.TraceID(ctx)), slog.String("user_id", user))
	subject := h.subject.of(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		subject = subject.with(a)
		line.AddAttrs(a)
		return true
	})
	for _, s := range h.repeats.expired(r.Time) {
		if err := h.root.Handle(ctx, s.line(r.Time)); err != nil {
			return err
		}
	}
	if r.Level == LevelWarning && h.repeats.holdBack(subject, r.Time) {
		return nil
	}
	return h.next.Handle(ctx, line)
}

// WithAttrs remembers what the attributes say of the subject of warnings.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.next = h.next.WithAttrs(attrs)
	for _, a := range attrs {
		with.subject = with.subject.with(a)
	}
	return &with
}

// WithGroup puts the attributes to come into a group.
func (h *handler) WithGroup(name string) slog.Handler {
	with := *h
	with.next = h.next.WithGroup(name)
	return &with
}
