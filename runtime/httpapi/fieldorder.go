package httpapi

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// inRequestOrder brings the faults that the domain found into the order in which body has the fields; those that it has
// not come last. The same bad request has the same answer, and its first fault is what a person meets first.
func inRequestOrder(err error, body []byte) error {
	e, ok := errors.AsType[*rag.Error](err)
	if !ok || e.Kind != rag.ErrValidation {
		return err
	}
	found, _ := e.Details["fields"].([]rag.FieldError)
	if len(found) < 2 {
		return err
	}
	places := fieldPlaces(body)
	place := func(f rag.FieldError) int {
		if at, given := places[f.Field]; given {
			return at
		}
		return len(places)
	}
	sorted := slices.Clone(found)
	slices.SortStableFunc(sorted, func(a, b rag.FieldError) int { return cmp.Compare(place(a), place(b)) })
	return rag.Invalid(sorted...)
}

// fieldPlaces are the places of the fields of a JSON object, and of the objects in it ("filter.year"), in their order.
func fieldPlaces(body []byte) map[string]int {
	places := map[string]int{}
	var outer string
	json := jsontext.NewDecoder(bytes.NewBuffer(bytes.TrimPrefix(body, byteOrderMark)), tolerant...)
	for {
		token, err := json.ReadToken()
		if err != nil {
			return places
		}
		depth := json.StackDepth()
		if depth < 1 || depth > 2 {
			continue
		}
		container, read := json.StackIndex(depth)
		if isName := container == jsontext.KindBeginObject && read%2 == 1; !isName {
			continue
		}
		name := token.String()
		if depth == 1 {
			outer = name
		} else {
			name = outer + "." + name
		}
		if _, twice := places[name]; !twice {
			places[name] = len(places)
		}
	}
}
