package models

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

const (
	// maxErrorBytes bounds what is read of a refusal.
	maxErrorBytes = 64 << 10
	// maxEventBytes bounds an event of a stream, which holds a token as a rule.
	maxEventBytes = 1 << 20
)

var errLongEvent = errors.New("an event of the stream, or a line of it, does not end")

// bounded bounds what the client library keeps in memory of an answer, and gives it of a refusal what newUpstreamError reads: the library fails
// with another error on one whose form it does not know, such as {"error": "overloaded"}.
type bounded struct {
	next   http.RoundTripper
	secret string
}

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < http.StatusBadRequest {
		response.Body = &eventBody{ReadCloser: response.Body}
		return response, nil
	}
	said, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBytes)) // the status says enough where the body breaks off
	_ = response.Body.Close()
	refusal := newUpstreamError(response.StatusCode, said, b.secret)
	words, err := json.Marshal(map[string]any{"error": map[string]string{"code": refusal.Code, "type": refusal.Type, "param": refusal.Param}})
	if err != nil {
		return nil, err
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(words)), int64(len(words))
	return response, nil
}

// eventBody is a text/event-stream, which fails at an event that is too long.
type eventBody struct {
	io.ReadCloser

	size int
	// blank says that nothing of the line under way has come.
	blank bool
}

// Read implements io.Reader.
func (b *eventBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	for _, c := range p[:n] {
		b.size++
		switch {
		case c != '\n':
			b.blank = b.blank && c == '\r'
		case b.blank:
			b.size = 0
		default:
			b.blank = true
		}
	}
	if b.size > maxEventBytes {
		return n, errLongEvent
	}
	return n, err
}
