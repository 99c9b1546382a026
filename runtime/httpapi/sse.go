package httpapi

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// heartbeat is how often a stream that has nothing to say says so, so that no proxy takes it for dead.
const heartbeat = 10 * time.Second

// eventStream writes server-sent events. The first one sends the headers and starts the heartbeat.
type eventStream struct {
	w     http.ResponseWriter
	pause time.Duration

	mu   sync.Mutex
	beat *time.Timer
	done bool
}

func newEventStream(w http.ResponseWriter, pause time.Duration) *eventStream {
	if pause == 0 {
		pause = heartbeat
	}
	return &eventStream{w: w, pause: pause}
}

func (s *eventStream) started() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beat != nil
}

// send writes one event whose data is v as JSON, on one line. An error means that the client is gone or does not read.
func (s *eventStream) send(event string, v any) error {
	data, err := encode(v)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.beat == nil {
		s.start()
	}
	return s.write(fmt.Appendf(nil, "event: %s\ndata: %s\n\n", event, bytes.TrimSuffix(data, []byte("\n"))))
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

// comment is the heartbeat.
func (s *eventStream) comment() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.done {
		_ = s.write([]byte(": waiting\n\n")) // the next event finds out as well
	}
}

func (s *eventStream) write(b []byte) error {
	s.beat.Reset(s.pause)
	extendWrite(s.w)
	if _, err := s.w.Write(b); err != nil {
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
