package httpapi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// maxUpload is the largest body of documents, in bytes.
	maxUpload = 64 << 20
	// maxDocument is the longest document as JSON, in bytes: JSON may write a character of the text in two.
	maxDocument = 2 * rag.MaxDocumentText
	// uploadPause is how long an upload may stand still.
	uploadPause = 30 * time.Second
	// uploadBuffer is read at once, in bytes.
	uploadBuffer = 64 << 10
	// keptLine is how much of the memory of a line is kept for the next one, in bytes.
	keptLine = 1 << 20
)

// documents are those of a body, one by one, so that no more than one is in memory. next ends with io.EOF. A
// documentError is about one document, of which the id may be known, and leaves the next ones readable; any other error
// is the end.
type documents interface {
	next() (rag.Document, error)
}

// documentError is what is wrong with one document of a body.
type documentError struct{ error }

func (f *documentError) Unwrap() error { return f.error }

func isDocumentError(err error) bool {
	_, is := errors.AsType[*documentError](err)
	return is
}

func documentTooLarge() error {
	return &rag.Error{
		Kind: errTooLarge, Message: fmt.Sprintf("a document must have at most %d bytes as JSON", maxDocument),
		Details: map[string]any{"max_bytes": maxDocument},
	}
}

// upload is the documents of a request. The first is read at once, so that a body that holds none is refused before the
// limits.
type upload struct {
	documents documents
	turn      *readTurn
	// single says that the body is one document and no list.
	single   bool
	first    rag.Document
	firstErr error
	peeked   bool
}

// openUpload begins to read the documents of a request. A body that holds none, and a single document that is not valid,
// are errors; of many documents each is judged by itself. The caller ends the turn.
func openUpload(w http.ResponseWriter, r *http.Request, turn *readTurn) (*upload, error) {
	kind, err := mediaType(r, jsonType, ndjsonType)
	if err != nil {
		return nil, err
	}
	if r.ContentLength > maxUpload {
		return nil, tooLarge(maxUpload)
	}
	body := &uploadBody{r: http.MaxBytesReader(nil, r.Body, maxUpload), turn: turn, connection: http.NewResponseController(w)}
	body.until, _ = r.Context().Deadline()
	buffered := bufio.NewReaderSize(body, uploadBuffer)
	if start, _ := buffered.Peek(len(byteOrderMark)); bytes.Equal(start, byteOrderMark) {
		_, _ = buffered.Discard(len(byteOrderMark))
	}
	u := &upload{turn: turn}
	if kind == ndjsonType {
		u.documents = &lines{r: buffered}
		err := u.peek()
		return u, err
	}
	list, err := openArray(buffered)
	if err != nil {
		return nil, err
	}
	u.documents, u.single = list, list.single
	if err = u.peek(); err == nil && list.single {
		err = u.checkOnly()
	}
	return u, err
}

// peek reads the first document. What ends the reading there is an error of the request.
func (u *upload) peek() error {
	u.first, u.firstErr = u.read()
	u.peeked = true
	if u.firstErr == nil || errors.Is(u.firstErr, io.EOF) || isDocumentError(u.firstErr) {
		return nil
	}
	return u.firstErr
}

// checkOnly judges the one document of a body that is no list: nothing may follow it, and it must be valid. What it was
// read with is let go: it holds up to maxDocument bytes, and the document may wait long for its turn.
func (u *upload) checkOnly() error {
	if _, err := u.documents.next(); !errors.Is(err, io.EOF) {
		return err
	}
	u.documents = noDocuments{}
	return u.firstErr
}

// noDocuments is the rest of a body that was read to its end.
type noDocuments struct{}

func (noDocuments) next() (rag.Document, error) { return rag.Document{}, io.EOF }

func (u *upload) next() (rag.Document, error) {
	if u.peeked {
		first := u.first
		u.peeked, u.first = false, rag.Document{} // no longer ours to keep in memory
		return first, u.firstErr
	}
	return u.read()
}

func (u *upload) read() (rag.Document, error) {
	defer u.turn.next()
	return u.documents.next()
}

// lines reads NDJSON: a document a line, empty lines aside. A broken line does not hide those after it.
type lines struct {
	r    *bufio.Reader
	line []byte
}

func (l *lines) next() (rag.Document, error) {
	for {
		err := l.read()
		line := bytes.TrimSpace(l.line)
		switch {
		case isDocumentError(err):
			return rag.Document{}, err
		case err != nil && !errors.Is(err, io.EOF):
			return rag.Document{}, readFault(err)
		case len(line) > 0:
			return readDocument(line)
		case err != nil:
			return rag.Document{}, io.EOF
		}
	}
}

// read reads up to a newline. The rest of a line that is too long is passed over.
func (l *lines) read() error {
	if l.line = l.line[:0]; cap(l.line) > keptLine {
		l.line = nil
	}
	tooLong := false
	for {
		part, err := l.r.ReadSlice('\n')
		if tooLong = tooLong || len(l.line)+len(part) > maxDocument; tooLong {
			l.line = nil
		} else {
			l.line = append(l.line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case tooLong && (err == nil || errors.Is(err, io.EOF)):
			return &documentError{documentTooLarge()}
		default:
			return err
		}
	}
}

// errDocumentTooLarge ends an array at a document over maxDocument.
var errDocumentTooLarge = errors.New("document too large")

// anything lets the documents of an array be judged one by one: what is wrong inside one is a fault of that one alone,
// unless it hides where the next one begins.
var anything = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// array reads a JSON array, or one object as an array of one. After a syntax error nothing can be read.
type array struct {
	json   *jsontext.Decoder
	window *window
	single bool
	done   bool
}

// openArray begins to read a body. One that is neither array nor object is an error.
func openArray(body io.Reader) (*array, error) {
	w := &window{r: body, until: maxDocument}
	a := &array{json: jsontext.NewDecoder(w, anything...), window: w}
	switch kind := a.json.PeekKind(); kind {
	case jsontext.KindBeginObject:
		a.single = true
		return a, nil
	case jsontext.KindBeginArray:
		_, err := a.json.ReadToken()
		return a, err
	default:
		if err := a.json.SkipValue(); errors.Is(err, io.EOF) {
			return nil, malformed("the body is empty")
		} else if err != nil {
			return nil, a.fault(err)
		}
		if err := a.end(); !errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, rag.Invalid(rag.FieldError{Field: "body", Reason: "must be a document or an array of documents, not " + kindName(kind)})
	}
}

func (a *array) next() (rag.Document, error) {
	a.window.until = a.json.InputOffset() + maxDocument
	switch {
	case a.single && a.done:
		return rag.Document{}, a.end()
	case !a.single && a.json.PeekKind() == jsontext.KindEndArray:
		if _, err := a.json.ReadToken(); err != nil {
			return rag.Document{}, a.fault(err)
		}
		return rag.Document{}, a.end()
	}
	element, err := a.json.ReadValue()
	if err != nil {
		return rag.Document{}, a.fault(err)
	}
	a.done = true
	return readDocument(element)
}

// end makes sure that nothing follows the last document.
func (a *array) end() error {
	switch _, err := a.json.ReadToken(); {
	case errors.Is(err, io.EOF):
		return io.EOF
	case err != nil:
		return a.fault(err)
	default:
		return malformed("something follows the documents")
	}
}

func (a *array) fault(err error) error {
	if errors.Is(err, errDocumentTooLarge) {
		return documentTooLarge()
	}
	if told, ok := errors.AsType[*rag.Error](err); ok {
		return told
	}
	if _, syntax := errors.AsType[*jsontext.SyntacticError](err); syntax {
		return notJSON("the body", err)
	}
	return readFault(err)
}

// window fails a read beyond the offset that is allowed: the decoder would keep a document of any size.
type window struct {
	r         io.Reader
	at, until int64
}

func (w *window) Read(p []byte) (int, error) {
	if w.at >= w.until {
		return 0, errDocumentTooLarge
	}
	n, err := w.r.Read(p[:min(int64(len(p)), w.until-w.at)])
	w.at += int64(n)
	return n, err
}

// uploadBody gives each read its time: an upload may take long, but must not stand still. Between reads it has all the
// time of the request, to wait its turn.
type uploadBody struct {
	r          io.Reader
	turn       *readTurn
	connection *http.ResponseController
	// until is the end of the request's own time; the zero time for none.
	until time.Time
	err   error
}

// Read does not touch the connection again once the body has ended: the server then listens on it for its client to
// leave, and a deadline would look like that.
func (b *uploadBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	deadline := time.Now().Add(uploadPause)
	if !b.until.IsZero() && deadline.After(b.until) {
		deadline = b.until
	}
	_ = b.connection.SetReadDeadline(deadline) // a writer without deadlines keeps none
	var n int
	n, b.err = b.r.Read(p)
	if err := b.turn.grow(n); err != nil {
		b.err = err
	}
	return n, b.err
}
