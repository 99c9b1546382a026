package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// maxID bounds the id of a document in a result, in bytes.
const maxID = 256

// maxResults is how many documents are answered for in one body, about 10 MB of results in memory; a streamed answer has
// no such bound.
const maxResults = 100_000

// ingestReport counts what became of the documents. Error is there when they were not read to the end.
type ingestReport struct {
	Error     *errorBody `json:"error,omitempty"`
	Created   int        `json:"created"`
	Updated   int        `json:"updated"`
	Unchanged int        `json:"unchanged"`
	Failed    int        `json:"failed"`
}

// ingestResult is what became of one document.
type ingestResult struct {
	// Index is its place in the request, from 0: a document that is not valid may have no id.
	Index  int             `json:"index"`
	ID     string          `json:"id"`
	Status rag.WriteStatus `json:"status"`
	Chunks int             `json:"chunks"`
	Error  *errorBody      `json:"error,omitempty"`
}

// shorten keeps an id that a caller made up from filling the answer.
func shorten(id string) string {
	if len(id) <= maxID {
		return id
	}
	return strings.ToValidUTF8(id[:maxID], "") + "..."
}

// failed tells why a document was not written. One that was in work when its request ended is no fault of the service.
func failed(index int, id string, err error) ingestResult {
	e := explainKind(err).body()
	if e.Code == rag.ErrRAG.Code && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		e = errorBody{Code: rag.ErrOverloaded.Code, Message: "the request ended before this document was written: send it again"}
	}
	return ingestResult{Index: index, ID: shorten(id), Status: rag.StatusFailed, Error: &e}
}

// ingest takes one document, an array or NDJSON. A single document that is not valid is refused like any request; of
// many, each is judged by itself.
func (a *API) ingest(w http.ResponseWriter, r *http.Request, c call) error {
	refresh, err := flag(r, "refresh", true)
	if err != nil {
		return err
	}
	stream, err := flag(r, "stream", false)
	if err != nil {
		return err
	}
	turn := &readTurn{turns: a.reads, ctx: r.Context()}
	defer turn.end()
	u, err := openUpload(w, r, turn)
	if err != nil {
		return err
	}
	if err := c.admit(r.Context()); err != nil {
		return err
	}
	opt := rag.IngestOptions{Refresh: refresh}
	if stream {
		return a.ingestStream(w, r, u, opt)
	}
	return a.ingestWhole(w, r, u, opt)
}

// ingestWhole answers when all is done.
func (a *API) ingestWhole(w http.ResponseWriter, r *http.Request, u *upload, opt rag.IngestOptions) error {
	results := []ingestResult{}
	in := &ingestion{documents: u, done: u.turn.end, most: maxResults, tell: func(result ingestResult) error {
		results = append(results, result)
		return nil
	}}
	report, err := a.runIngest(r, in, opt)
	whole := struct {
		ingestReport
		Results []ingestResult `json:"results"`
	}{ingestReport: report, Results: results}
	if u.single && err == nil {
		err = in.cause
	}
	if err == nil {
		return answer(w, whole)
	}
	p := note(r, err)
	e := p.body()
	whole.Error = &e
	p.write(w, whole)
	return nil
}

// ingestStream answers a line for each document as it is done, and a last one with the counts.
func (a *API) ingestStream(w http.ResponseWriter, r *http.Request, u *upload, opt rag.IngestOptions) error {
	connection := http.NewResponseController(w)
	if err := connection.EnableFullDuplex(); err != nil {
		return fmt.Errorf("answer while the request goes on: %w", err)
	}
	w.Header().Set("Content-Type", ndjsonType)
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	send := func(v any) error {
		line, err := encode(v)
		if err != nil {
			return err
		}
		extendWrite(w)
		if _, err := w.Write(line); err != nil {
			return fmt.Errorf("send a result: %w", err)
		}
		return connection.Flush()
	}
	if err := connection.Flush(); err != nil {
		return fmt.Errorf("send the headers: %w", err)
	}
	in := &ingestion{documents: u, done: u.turn.end, tell: func(result ingestResult) error { return send(result) }}
	report, err := a.runIngest(r, in, opt)
	if err != nil {
		e := note(r, err).body()
		report.Error = &e
	}
	_ = send(report) // a client that has left is told by its absence
	return nil
}

// runIngest lets the service take the documents and counts what became of them.
func (a *API) runIngest(r *http.Request, in *ingestion, opt rag.IngestOptions) (ingestReport, error) {
	summary, err := a.Service.Ingest(r.Context(), middleware.Of(r).Identity, in.next, in.report, opt)
	err = errors.Join(err, in.finish())
	report := ingestReport{Created: summary.Created, Updated: summary.Updated, Unchanged: summary.Unchanged, Failed: summary.Failed + in.refused}
	for status, n := range map[rag.WriteStatus]int{
		rag.StatusCreated: report.Created, rag.StatusUpdated: report.Updated, rag.StatusUnchanged: report.Unchanged, rag.StatusFailed: report.Failed,
	} {
		a.Metrics.Documents(string(status), n)
	}
	a.Log.Write(r.Context(), logging.DocumentsWritten{
		Created:   report.Created,
		Updated:   report.Updated,
		Unchanged: report.Unchanged,
		Failed:    report.Failed,
	})
	if err == nil && in.cause != nil { // the answer is 200 and tells of each document, but somebody should look
		a.Log.Write(r.Context(), logging.DocumentsFailed{Code: explainKind(in.cause).code, Failed: report.Failed, Err: in.cause})
	}
	return report, err
}

// ingestion stands between the documents of a body and the service, which takes those that are well-formed: others are
// told as failed in their places.
type ingestion struct {
	documents documents
	// done is called when no document that was read waits to be written.
	done func()
	// most is how many documents are taken; 0 for no bound.
	most int
	tell func(ingestResult) error

	// read counts documents, refused those that were none.
	read, refused int
	// waiting are the places of the documents that the service has not reported yet.
	waiting []int
	// cause is the first failure that was the service's.
	cause error
	// held are refusals that come after a document in waiting.
	held []ingestResult
}

// next is the next document, for the service.
func (in *ingestion) next() (rag.Document, error) {
	for {
		d, err := in.documents.next()
		if err != nil && !isDocumentError(err) {
			return rag.Document{}, in.ended(err)
		}
		if in.most > 0 && in.read == in.most {
			return rag.Document{}, in.ended(&rag.Error{
				Kind: errTooLarge, Message: fmt.Sprintf("more than %d documents in one request: send several, or ask for ?stream=true", in.most),
			})
		}
		place := in.read
		in.read++
		if err == nil {
			in.waiting = append(in.waiting, place)
			return d, nil
		}
		if err := in.refuse(failed(place, d.ID, err)); err != nil {
			return rag.Document{}, err
		}
	}
}

// ended adds to an error that ends the reading how far it came.
func (in *ingestion) ended(err error) error {
	var e *rag.Error
	if !errors.As(err, &e) {
		return err // io.EOF
	}
	with := *e
	with.Message = fmt.Sprintf("%s; documents read before: %d, the rest was not read", e.Message, in.read)
	with.Details = map[string]any{"documents_read": in.read}
	return &with
}

func (in *ingestion) refuse(result ingestResult) error {
	in.refused++
	in.held = append(in.held, result)
	if len(in.waiting) > 0 {
		return nil
	}
	in.done()
	return in.release(in.read)
}

// report takes what the service says of the document that waited longest.
func (in *ingestion) report(r rag.DocumentResult) error {
	place := in.waiting[0]
	if in.waiting = in.waiting[1:]; len(in.waiting) == 0 {
		in.done()
	}
	if err := in.release(place); err != nil {
		return err
	}
	if r.Status == rag.StatusFailed {
		if in.cause == nil && explainKind(r.Err).status >= http.StatusInternalServerError {
			in.cause = r.Err
		}
		return in.tell(failed(place, r.ID, r.Err))
	}
	return in.tell(ingestResult{Index: place, ID: r.ID, Status: r.Status, Chunks: r.Chunks})
}

// release tells the refusals before a place.
func (in *ingestion) release(before int) error {
	for len(in.held) > 0 && in.held[0].Index < before {
		if err := in.tell(in.held[0]); err != nil {
			return err
		}
		in.held = in.held[1:]
	}
	return nil
}

// finish tells the refusals after the last document.
func (in *ingestion) finish() error { return in.release(in.read) }

var documentFields = fields{known: []string{"id", "text", "title", "url", "metadata", "language", "access"}, required: []string{"id", "text"}}

// readDocument reads and validates a document as JSON. With a fault it still returns what could be read, such as the id.
func readDocument(data []byte) (rag.Document, error) {
	var doc rag.Document
	err := decode(data, "document", documentFields, func(d *decoder, name string) {
		switch name {
		case "id":
			doc.ID = d.text(name)
		case "text":
			doc.Text = d.text(name)
		case "title":
			doc.Title = d.text(name)
		case "url":
			doc.URL = d.text(name)
		case "language":
			doc.Language = d.text(name)
		case "metadata":
			doc.Metadata = d.metadata(name)
		case "access":
			doc.Access = d.access(name)
		}
	})
	if err == nil {
		err = inRequestOrder(doc.Validate(), data)
	}
	if err != nil {
		return doc, &documentError{error: err}
	}
	return doc, nil
}

// access reads {"groups": ["a", "b"]}.
func (d *decoder) access(name string) *rag.Access {
	access := &rag.Access{Groups: []string{}}
	d.entries(name, func(field string) {
		switch {
		case field != "groups":
			d.fault(field, "is not a known field")
			d.skip()
		case d.json.PeekKind() != jsontext.KindBeginArray:
			d.wrong(field, "an array of strings")
		default:
			groups, onlyStrings := d.strings(rag.MaxGroups)
			if !onlyStrings {
				d.fault(field, "must be an array of strings")
			}
			access.Groups = groups
		}
	})
	return access
}

// metadata reads a flat object. The domain judges it; what is kept of too many fields or values is enough for that.
func (d *decoder) metadata(name string) rag.Metadata {
	metadata := rag.Metadata{}
	d.entries(name, func(name string) {
		if len(metadata) > rag.MaxMetadataFields {
			d.skip()
			return
		}
		switch d.json.PeekKind() {
		case jsontext.KindString:
			metadata[name] = d.text(name)
		case jsontext.KindTrue, jsontext.KindFalse:
			if b := d.boolean(name); b != nil {
				metadata[name] = *b
			}
		case jsontext.KindNumber:
			if n, err := exactFloat(d.value(name, "a number", jsontext.KindNumber)); err == nil {
				metadata[name] = n
			} else {
				d.fault(name, err.Error())
			}
		case jsontext.KindBeginArray:
			metadata[name] = d.metadataList()
		default:
			metadata[name] = nil // refused by the domain, as what no metadata can be
			d.skip()
		}
	})
	return metadata
}

// metadataList is an array as the domain takes it: one that is not of strings holds a nil, which the domain refuses.
func (d *decoder) metadataList() []any {
	list, onlyStrings := d.strings(rag.MaxMetadataValues)
	values := make([]any, 0, len(list)+1)
	for _, s := range list {
		values = append(values, s)
	}
	if !onlyStrings {
		values = append([]any{nil}, values...)
	}
	return values
}
