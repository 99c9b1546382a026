package httpapi

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// heartbeat is how often a stream that has nothing to say says so, so that no proxy takes it for dead.
	heartbeat = 10 * time.Second
	// maxHeld is how much of a stream whose events are all at hand is sent at once, in bytes.
	maxHeld = 32 << 10
	// heldFor is how long an event is held back at most: what was said to be at hand may yet take its time, when an entry of
	// the cache ends at the wrong moment.
	heldFor = 250 * time.Millisecond
)

// eventStream writes server-sent events. The first one sends the headers and starts the heartbeat.
type eventStream struct {
	w     http.ResponseWriter
	pause time.Duration

	mu   sync.Mutex
	beat *time.Timer
	done bool
	// hold collects events in held instead of sending each.
	hold bool
	held bytes.Buffer
}

func newEventStream(w http.ResponseWriter, pause time.Duration) *eventStream {
	if pause == 0 {
		pause = heartbeat
	}
	return &eventStream{w: w, pause: pause}
}

// started says whether an event was sent, or held back to be sent.
func (s *eventStream) started() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beat != nil
}

// atHand says whether the events to come are all at hand, as those of a cached answer are: they are then sent together,
// the same bytes in far fewer writes. The last event has to be sent with atHand(false).
func (s *eventStream) atHand(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = yes
}

// send writes one event whose data is v as JSON, on one line. An error means that the client is gone or does not read.
func (s *eventStream) send(event string, v any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.held.Len()
	s.held.WriteString("event: " + event + "\ndata: ")
	if err := encodeTo(&s.held, v); err != nil {
		s.held.Truncate(before)
		return err
	}
	s.held.WriteByte('\n')
	if s.beat == nil {
		s.start()
	}
	if s.hold && s.held.Len() < maxHeld {
		s.beat.Reset(min(heldFor, s.pause))
		return nil
	}
	return s.flush()
}

func (s *eventStream) start() {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	h.Set("X-Content-Type-Options", "nosniff")
	s.w.WriteHeader(http.StatusOK)
	s.beat = time.AfterFunc(s.pause, s.comment)
}

// comment is the heartbeat. Events that are held are as good a sign of life.
func (s *eventStream) comment() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return
	}
	if s.held.Len() == 0 {
		s.held.WriteString(": waiting\n\n")
	}
	_ = s.flush() // the next event finds out as well
}

// flush sends what is held.
func (s *eventStream) flush() error {
	s.beat.Reset(s.pause)
	extendWrite(s.w)
	_, err := s.w.Write(s.held.Bytes())
	if s.held.Reset(); err != nil {
		return fmt.Errorf("send an event: %w", err)
	}
	if err := http.NewResponseController(s.w).Flush(); err != nil {
		return fmt.Errorf("flush an event: %w", err)
	}
	return nil
}

// close ends the heartbeat: the writer must not be used when the handler has returned.
func (s *eventStream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	if s.beat != nil {
		s.beat.Stop()
	}
}
