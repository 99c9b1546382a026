package logging

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// maxPending is how much waits for the disk. A busy server writes some 10 MiB a minute.
const maxPending = 4 << 20

// errBehind says that the disk took less than there was to write.
var errBehind = errors.New("the disk of the log's file is too slow")

// File is the log's file. Write only puts lines into a queue: a disk that is full, slow or gone costs lines of the file, which are
// counted, and never an error or a moment of a request.
type File struct {
	disk rotation
	// lost counts the lines that the file does not have.
	lost atomic.Int64

	mu      sync.Mutex
	pending []byte
	behind  bool // lines found the queue full
	closed  bool
	more    chan struct{} // has one value while there is something to do; closed by Close
	done    chan struct{}
}

// NewFile is app.log in a folder, which is made when the first line comes. Beside it the files of the seven days before are kept,
// app.log.1 to app.log.7, of maxBytes in all. Start writes.
func NewFile(dir string, maxBytes int64) *File {
	return &File{
		disk: rotation{dir: dir, max: maxBytes, now: time.Now},
		more: make(chan struct{}, 1),
		done: make(chan struct{}),
	}
}

// Write queues lines. It does not fail.
func (f *File) Write(lines []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || len(f.pending)+len(lines) > maxPending {
		f.behind = true
		f.lost.Add(int64(bytes.Count(lines, newline)))
		return len(lines), nil
	}
	f.pending = append(f.pending, lines...)
	f.wake()
	return len(lines), nil
}

func (f *File) wake() {
	select {
	case f.more <- struct{}{}:
	default: // it is awake
	}
}

// Start writes what comes until Close. It calls changed when lines begin to be lost, with the reason, and with nil when they no
// longer are.
func (f *File) Start(changed func(why error)) {
	go func() {
		defer close(f.done)
		failing := false
		for range f.more {
			why := f.writePending()
			if (why != nil) != failing {
				failing = why != nil
				changed(why)
			}
		}
		_ = f.writePending() // what changed wrote at last
		f.disk.close()
	}()
}

// Lost is how many lines the file does not have.
func (f *File) Lost() int64 { return f.lost.Load() }

// Close writes what is queued, and gives up after a time: a disk may never answer.
func (f *File) Close(within time.Duration) {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.more)
	}
	f.mu.Unlock()
	select {
	case <-f.done:
	case <-time.After(within):
	}
}

// writePending writes the queue.
func (f *File) writePending() error {
	f.mu.Lock()
	lines, behind := f.pending, f.behind
	f.pending, f.behind = nil, false
	f.mu.Unlock()
	var err error
	if behind {
		err = errBehind
	}
	if len(lines) == 0 {
		return err
	}
	written, writeErr := f.disk.write(lines)
	if writeErr != nil {
		err = writeErr
		f.lost.Add(int64(bytes.Count(lines[written:], newline)))
	}
	return err
}

var newline = []byte{'\n'}
