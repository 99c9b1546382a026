package httpapi

import (
	"errors"
	"fmt"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// maxElement is the longest document as JSON, in bytes: JSON may write a character of the text in two.
const maxElement = 2 * rag.MaxDocumentText

// elements are the documents of a body, one by one, so that no more than one is in memory. next ends with io.EOF. An
// elementError is about one element and leaves the next ones readable; any other error is the end.
type elements interface {
	next() ([]byte, error)
}

// elementError is what is wrong with one element of a body.
type elementError struct{ error }

func (f *elementError) Unwrap() error { return f.error }

func isElementError(err error) bool {
	_, is := errors.AsType[*elementError](err)
	return is
}

func checkElement(element []byte) error {
	if err := checkJSON(element); err != nil {
		var e *rag.Error
		errors.As(err, &e)
		return malformed("the document: " + e.Message)
	}
	return nil
}

func elementTooLarge() error {
	return &rag.Error{
		Kind: errTooLarge, Message: fmt.Sprintf("a document must have at most %d bytes as JSON", maxElement),
		Details: map[string]any{"max_bytes": maxElement},
	}
}

// readDocument reads an element, which is valid JSON. With a fault it still returns the id, if there is one.
func readDocument(element []byte) (rag.Document, error) {
	var found faults
	o := readObject(element, "", "document", &found)
	d := rag.Document{
		ID: o.required("id"), Text: o.required("text"), Title: o.text("title"), URL: o.text("url"), Metadata: o.metadata("metadata"),
	}
	o.refuseRest()
	return d, found.err()
}
