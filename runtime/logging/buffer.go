package logging

import (
	"io"
	"sync"
	"time"
)

const (
	// flushAfter is how long a line may wait.
	flushAfter = 100 * time.Millisecond
	// flushBytes is how much is gathered at most.
	flushBytes = 64 << 10
)

// Buffer gathers what is written for 100 ms, or until there are 64 KiB, so that a busy server makes a system call for hundreds of
// lines. Call Flush before the process ends.
type Buffer struct {
	w io.Writer

	mu      sync.Mutex
	pending []byte
	timer   *time.Timer // runs while something is pending
	err     error       // of a write that nobody waited for; the next call returns it
}

// NewBuffer gathers what goes to w.
func NewBuffer(w io.Writer) *Buffer { return &Buffer{w: w} }

// Write takes a line.
func (b *Buffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending) == 0 {
		b.arm()
	}
	b.pending = append(b.pending, line...)
	if len(b.pending) >= flushBytes {
		b.flush()
	}
	return len(line), b.takeError()
}

// Flush writes all that was gathered.
func (b *Buffer) Flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flush()
	return b.takeError()
}

func (b *Buffer) arm() {
	if b.timer == nil {
		b.timer = time.AfterFunc(flushAfter, b.expire)
		return
	}
	b.timer.Reset(flushAfter)
}

func (b *Buffer) expire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flush()
}

func (b *Buffer) flush() {
	if len(b.pending) == 0 {
		return
	}
	b.timer.Stop()
	_, err := b.w.Write(b.pending)
	if err != nil {
		b.err = err
	}
	b.pending = b.pending[:0] // what could not be written is gone: keeping it would fill the memory
}

func (b *Buffer) takeError() error {
	err := b.err
	b.err = nil
	return err
}
