package openaitest

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"time"
)

// Behaviour is how one request goes. The zero value: well, and at once.
type Behaviour struct {
	// Status other than 0 and 200 is answered with an error body instead of an answer.
	Status int
	// RetryAfter is the header of that name, beside Status: seconds or an HTTP date.
	RetryAfter string
	// Error is the error object beside Status and in ErrorEvent, for the fields that are set.
	Error Error
	// Finish is the finish reason of a chat answer: content_filter, say. Empty: stop, or length where the answer was cut.
	Finish string
	// Thought is streamed before a chat answer, in pieces like it, as reasoning_content.
	Thought string
	// Delay passes before anything is sent, headers included. Forever: until the client leaves.
	Delay time.Duration
	// Gap passes between the pieces of an answer.
	Gap time.Duration
	// Fault breaks the answer after AfterPieces pieces. The pieces of a stream are its events (the first carries the role,
	// each further one a word, the last ones the finish reason, the usage when asked for, and [DONE]); the pieces of any
	// other answer are the two halves of its body. Beyond the last piece means before the last.
	Fault       Fault
	AfterPieces int
}

// Error is an error as the API words it.
type Error struct {
	Message, Type, Code, Param string
}

// Forever is longer than any test.
const Forever = time.Duration(math.MaxInt64)

// Fault is a way in which an answer that began well breaks.
type Fault int

// The faults. The status of all of them is 200: it was sent before.
const (
	None Fault = iota
	// Hang sends no more and keeps the connection open, until the client leaves.
	Hang
	// Truncate ends the answer as if it were complete: a stream without finish reason and [DONE], half a JSON body.
	Truncate
	// Malformed sends something that is not JSON where JSON belongs, and ends the answer.
	Malformed
	// Reset resets the connection.
	Reset
	// ErrorEvent reports an error inside the answer, as OpenAI does in a stream that it cannot finish.
	ErrorEvent
)

// answer is a body in pieces, with what is needed to break it in its own format.
type answer struct {
	contentType string
	pieces      [][]byte
	frame       func(data []byte) []byte // makes a piece of its own out of a JSON text
}

func jsonAnswer(value any) answer {
	body := encodeJSON(value)
	half := len(body) / 2
	return answer{
		contentType: "application/json",
		pieces:      [][]byte{body[:half], body[half:]},
		frame:       func(data []byte) []byte { return data },
	}
}

// encodeJSON is for values of this package's own making.
func encodeJSON(value any) []byte {
	body, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("openaitest made a value that is not JSON: %v", err))
	}
	return body
}

// deliver sends an answer as b says, and reports whether the client stayed.
func (s *Server) deliver(w http.ResponseWriter, r *http.Request, b Behaviour, a answer) bool {
	if !s.pass(r, b.Delay) {
		return false
	}
	if b.Status != 0 && b.Status != http.StatusOK {
		if b.RetryAfter != "" {
			w.Header().Set("Retry-After", b.RetryAfter)
		}
		failWith(w, b.Status, b.Error)
		return true
	}
	w.Header().Set("Content-Type", a.contentType)
	response := http.NewResponseController(w)
	for i, piece := range a.pieces {
		if b.Fault != None && i == min(b.AfterPieces, len(a.pieces)-1) {
			return s.breakOff(w, r, b, a)
		}
		if i > 0 && !s.pass(r, b.Gap) {
			return false
		}
		if _, err := w.Write(piece); err != nil {
			return false
		}
		if err := response.Flush(); err != nil {
			return false
		}
	}
	return true
}

func (s *Server) breakOff(w http.ResponseWriter, r *http.Request, b Behaviour, a answer) bool {
	response := http.NewResponseController(w)
	switch b.Fault {
	case Hang:
		_ = response.Flush() // the headers, when nothing else was sent
		return s.pass(r, Forever)
	case Malformed:
		_, err := w.Write(a.frame([]byte(`{"choices": [{`)))
		return err == nil
	case ErrorEvent:
		_, err := w.Write(a.frame(encodeJSON(b.Error.body("server_error"))))
		return err == nil
	case Reset:
		_ = response.Flush()
		reset(response)
		return true // it was the server who left
	case None, Truncate:
	}
	return true
}

// pass waits, and reports false when the client left meanwhile or the server is to close.
func (s *Server) pass(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	case <-s.closing:
		return false
	}
}

// reset closes the connection so that the client's kernel reports a reset, not an end.
func reset(response *http.ResponseController) {
	conn, _, err := response.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the next best: HTTP/2 has no connection of its own
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
