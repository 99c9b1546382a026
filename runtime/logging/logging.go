package logging

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Log is a server's log. Its level and the secrets that it blots out may change while it is in use.
type Log struct {
	out      io.Writer
	now      func() time.Time
	level    atomic.Int32
	secrets  secrets
	repeats  repeats
	mu       sync.Mutex // one line at a time goes to out, and is counted in volume
	volume   volume
	writable sync.Pool // of *line
}

// New writes to w, from INFO on. Where w is a *Buffer, a line of WARNING and above is written through it at once.
func New(w io.Writer) *Log {
	l := &Log{out: w, now: time.Now, writable: sync.Pool{New: func() any { return &line{} }}}
	l.level.Store(int32(LevelInfo))
	return l
}

// SetLevel changes the lowest level that is written: DEBUG, INFO, WARNING, ERROR or CRITICAL.
func (l *Log) SetLevel(name string) error {
	level, err := parseLevel(name)
	if err != nil {
		return err
	}
	l.level.Store(int32(level))
	return nil
}

// SetDailyVolume changes how many bytes are written in a day; 0 for no limit. See volume.
func (l *Log) SetDailyVolume(bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.volume.limit = bytes
}

// OnDrop has f called with the event of each line that the daily volume keeps out.
func (l *Log) OnDrop(f func(event string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.volume.onDrop = f
}

// Redact replaces the list of secrets that are blotted out wherever they stand in a line. Those under eight bytes are left: they
// would tear holes into words, and keys that the service makes are many times as long.
func (l *Log) Redact(secrets ...string) { l.secrets.set(secrets) }

// Flush writes what a Buffer holds back.
func (l *Log) Flush() {
	if b, ok := l.out.(*Buffer); ok {
		_ = b.Flush() // nobody is left to tell
	}
}

// Write tells an event, with the trace and the user of ctx. A warning that repeats is counted instead, and told of later.
func (l *Log) Write(ctx context.Context, e Event) {
	line, _ := l.writable.Get().(*line)
	line.begin(ctx, l.now, Level(l.level.Load()))
	e.describe(line)
	if !line.skipped {
		l.writeRepeats(line.now)
		if line.level != LevelWarning || !l.repeats.holdBack(line.subject, line.now) {
			l.finish(line)
		}
	}
	line.ctx = nil // it is not to outlive its request
	l.writable.Put(line)
}

// writeRepeats writes how often warnings repeated whose period is over.
func (l *Log) writeRepeats(now time.Time) {
	for _, r := range l.repeats.expired(now) {
		line := &line{}
		line.begin(context.Background(), func() time.Time { return now }, Level(l.level.Load()))
		r.describe(line)
		if !line.skipped {
			l.finish(line)
		}
	}
}

// WriteDropped tells what the daily volume has kept out since that was last told; call it before the process ends.
func (l *Log) WriteDropped() {
	l.mu.Lock()
	dropped, some := l.volume.summary()
	l.mu.Unlock()
	if some {
		l.Write(context.Background(), dropped)
	}
}

// finish writes a line, unless the day's volume has no room for it. A log that cannot be written has nobody to tell.
func (l *Log) finish(line *line) {
	text := l.secrets.redact(line.end())
	l.mu.Lock()
	dropped, some := l.volume.turn(line.now)
	if l.volume.admit(line, len(text)) {
		_, _ = l.out.Write(text)
	}
	l.mu.Unlock()
	if line.level >= LevelWarning {
		l.Flush()
	}
	if some {
		l.Write(context.Background(), dropped)
	}
}

type userKey struct{}

// WithUser makes lines of ctx say whom they are about: a key's name or a hash, never more.
func WithUser(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

func userID(ctx context.Context) string {
	user, _ := ctx.Value(userKey{}).(string)
	return user
}
