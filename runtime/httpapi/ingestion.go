package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

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

// failed tells why a document was not written. One that was in work when its request ended is no fault of the service.
func failed(index int, id string, err error) ingestResult {
	e := explainKind(err).body()
	if e.Code == rag.ErrRAG.Code && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		e = errorBody{Code: errOverloaded.Code, Message: "the request ended before this document was written: send it again"}
	}
	return ingestResult{Index: index, ID: shorten(id, maxID), Status: rag.StatusFailed, Error: &e}
}

// ingestion stands between the elements of a body and the service, which takes documents alone: elements that are none
// are told as failed in their places.
type ingestion struct {
	elements elements
	// most is how many elements are taken; 0 for no bound.
	most int
	tell func(ingestResult) error

	// read counts elements, refused those that were no documents.
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
		element, err := in.elements.next()
		if err != nil && !isElementError(err) {
			return rag.Document{}, in.ended(err)
		}
		if in.most > 0 && in.read == in.most {
			return rag.Document{}, in.ended(&rag.Error{
				Kind: errTooLarge, Message: fmt.Sprintf("more than %d documents in one request: send several, or ask for ?stream=true", in.most),
			})
		}
		place := in.read
		in.read++
		var d rag.Document
		if err == nil {
			d, err = readDocument(element)
		}
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
	return in.release(in.read)
}

// report takes what the service says of the document that waited longest.
func (in *ingestion) report(r rag.DocumentResult) error {
	place := in.waiting[0]
	in.waiting = in.waiting[1:]
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
