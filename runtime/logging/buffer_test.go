package logging

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// writes remembers each call of Write.
type writes struct {
	mu  sync.Mutex
	all []string
	err error
	// came gets a value for each call.
	came chan struct{}
}

func newWrites() *writes { return &writes{came: make(chan struct{}, 1000)} }

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, string(p))
	w.came <- struct{}{}
	return len(p), w.err
}

func (w *writes) seen() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.all...)
}

func (w *writes) await(t *testing.T) {
	t.Helper()
	select {
	case <-w.came:
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was written")
	}
}

func TestLinesWaitForOneAnother(t *testing.T) {
	w := newWrites()
	b := NewBuffer(w)
	_, _ = io.WriteString(b, "one\n")
	_, _ = io.WriteString(b, "two\n")
	w.await(t) // by the timer, as nothing else happens
	if got := w.seen(); len(got) != 1 || got[0] != "one\ntwo\n" {
		t.Errorf("got %q", got)
	}
	_, _ = io.WriteString(b, "three\n")
	w.await(t) // the timer again
	if err := b.Flush(); err != nil || len(w.seen()) != 2 {
		t.Errorf("an empty flush wrote: %q, %v", w.seen(), err)
	}
}

func TestBufferIsBounded(t *testing.T) {
	w := newWrites()
	b := NewBuffer(w)
	line := strings.Repeat("x", 1023) + "\n"
	for range flushBytes/len(line) - 1 {
		_, _ = io.WriteString(b, line)
	}
	before := len(strings.Join(w.seen(), "")) // on a slow machine the timer may have come
	_, _ = io.WriteString(b, line)
	_, _ = io.WriteString(b, strings.Repeat(line, 64))
	if after := len(strings.Join(w.seen(), "")); after < before+flushBytes {
		t.Errorf("%d bytes were written", after)
	}
}

func TestAFullDiskIsToldOnce(t *testing.T) {
	w := newWrites()
	w.err = errors.New("disk full")
	b := NewBuffer(w)
	_, _ = io.WriteString(b, "one\n")
	if err := b.Flush(); !errors.Is(err, w.err) {
		t.Errorf("got %v", err)
	}
	if err := b.Flush(); err != nil {
		t.Errorf("again: %v", err)
	}
}

// TestGraveLinesDoNotWait has a timer that would not come for a long time: INFO stays in the buffer, WARNING takes it along.
func TestGraveLinesDoNotWait(t *testing.T) {
	for level := LevelInfo; level <= LevelCritical; level++ {
		w := newWrites()
		b := NewBuffer(w)
		b.timer = time.AfterFunc(time.Hour, func() {})
		b.pending = make([]byte, 0, flushBytes)
		log := New(b)
		b.mu.Lock()
		b.pending = append(b.pending, "earlier\n"...) // its timer is the one above
		b.mu.Unlock()
		log.Write(t.Context(), note{event: "e", level: level})
		flushed := len(w.seen()) > 0
		if flushed != (level >= LevelWarning) {
			t.Errorf("%s: flushed %v", level, flushed)
		}
		log.Flush()
		if got := strings.Join(w.seen(), ""); strings.Count(got, "\n") != 2 {
			t.Errorf("%s: %q", level, got)
		}
	}
}
