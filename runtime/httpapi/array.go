package httpapi

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// errElementTooLarge ends an array at an element over maxElement.
var errElementTooLarge = errors.New("element too large")

// array reads a JSON array, or one object as an array of one. After a syntax error nothing can be read.
type array struct {
	d      *json.Decoder
	window *window
	single bool
	done   bool
}

// newArray begins to read a body. One that is neither array nor object is an error.
func newArray(body io.Reader) (*array, error) {
	w := &window{r: body}
	buffered := bufio.NewReader(w)
	w.allow(maxElement)
	first, err := firstByte(buffered)
	if errors.Is(err, io.EOF) {
		return nil, malformed("the body is empty")
	}
	if err != nil {
		return nil, readFault(err)
	}
	a := &array{d: json.NewDecoder(buffered), window: w, single: first == '{'}
	switch {
	case a.single:
		return a, nil
	case first == '[':
		_, err := a.d.Token()
		return a, err
	default:
		return nil, notDocuments(buffered)
	}
}

// notDocuments tells a JSON value that holds no document from what is no JSON.
func notDocuments(body io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(body, maxBody))
	if err != nil {
		return readFault(err)
	}
	if err := checkJSON(data); err != nil {
		return err
	}
	return rag.Invalid(rag.FieldError{Field: "body", Reason: "must be a document or an array of documents, not " + kindOf(data)})
}

func firstByte(r *bufio.Reader) (byte, error) {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		if !strings.ContainsRune(" \t\r\n", rune(b)) {
			return b, r.UnreadByte()
		}
	}
}

func (a *array) next() ([]byte, error) {
	a.window.allow(a.d.InputOffset() + maxElement)
	if a.done || !a.single && !a.d.More() {
		return nil, a.end()
	}
	var element json.RawMessage
	if err := a.d.Decode(&element); err != nil {
		return nil, a.fault(err)
	}
	a.done = a.single
	if err := checkElement(element); err != nil {
		return nil, &elementError{err}
	}
	return element, nil
}

// end makes sure that nothing follows the last element.
func (a *array) end() error {
	if !a.single {
		if _, err := a.d.Token(); err != nil { // the closing bracket
			return a.fault(err)
		}
	}
	if _, err := a.d.Token(); !errors.Is(err, io.EOF) {
		if err != nil {
			return a.fault(err)
		}
		return malformed("something follows the documents")
	}
	return io.EOF
}

func (a *array) fault(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errElementTooLarge):
		return elementTooLarge()
	case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return notJSON("the body", err)
	default:
		return readFault(err)
	}
}

// window fails a read beyond the offset that is allowed: the decoder would keep an element of any size.
type window struct {
	r         io.Reader
	at, until int64
}

func (w *window) allow(until int64) { w.until = max(until, w.until) }

func (w *window) Read(p []byte) (int, error) {
	if w.at >= w.until {
		return 0, errElementTooLarge
	}
	n, err := w.r.Read(p[:min(int64(len(p)), w.until-w.at)])
	w.at += int64(n)
	return n, err
}
