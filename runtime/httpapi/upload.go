package httpapi

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	// maxUpload is the largest body of documents, in bytes.
	maxUpload = 64 << 20
	// uploadPause is how long an upload may stand still.
	uploadPause = 30 * time.Second
	lineBuffer  = 64 << 10
)

// upload is the documents of a request. The first was read already, so that a body that is none is refused before the
// limits.
type upload struct {
	elements
	body     *uploadBody
	first    []byte
	firstErr error
	peeked   bool
}

func newUpload(r *http.Request) (*upload, error) {
	kind, err := mediaType(r, jsonType, ndjsonType)
	if err != nil {
		return nil, err
	}
	if r.ContentLength > maxUpload {
		return nil, tooLarge(maxUpload)
	}
	u := &upload{body: &uploadBody{r: http.MaxBytesReader(nil, r.Body, maxUpload)}}
	if kind == ndjsonType {
		u.elements = &lines{bufio.NewReaderSize(u.body, lineBuffer)}
		err := u.peek()
		return u, err
	}
	array, err := newArray(u.body)
	if err != nil {
		return nil, err
	}
	u.elements = array
	if err := u.peek(); err != nil {
		return nil, err
	}
	if array.single {
		err = u.validateOnly()
		return u, err
	}
	return u, nil
}

// peek reads the first element. What ends the reading there is an error of the request.
func (u *upload) peek() error {
	u.first, u.firstErr = u.elements.next()
	u.peeked = true
	if u.firstErr == nil || errors.Is(u.firstErr, io.EOF) || isElementError(u.firstErr) {
		return nil
	}
	return u.firstErr
}

// validateOnly judges the one document of a body that is no list.
func (u *upload) validateOnly() error {
	if u.firstErr != nil {
		return u.firstErr
	}
	if _, err := u.elements.next(); !errors.Is(err, io.EOF) {
		return err
	}
	d, err := readDocument(u.first)
	if err != nil {
		return err
	}
	return d.Validate()
}

func (u *upload) next() ([]byte, error) {
	if u.peeked {
		u.peeked = false
		return u.first, u.firstErr
	}
	return u.elements.next()
}

// uploadBody gives each read its time, once it knows the connection: an upload may take long, but must not stand still.
type uploadBody struct {
	r          io.Reader
	connection *http.ResponseController
	// until is the end of the request's own time.
	until time.Time
}

func (b *uploadBody) Read(p []byte) (int, error) {
	if b.connection != nil {
		deadline := time.Now().Add(uploadPause)
		if deadline.After(b.until) {
			deadline = b.until
		}
		_ = b.connection.SetReadDeadline(deadline) // a writer without deadlines keeps none
	}
	return b.r.Read(p)
}
