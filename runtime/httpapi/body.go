package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// maxBody is the largest body of a request but documents, in bytes. A query has at most 1,000 characters.
const maxBody = 1 << 20

const (
	jsonType   = "application/json"
	ndjsonType = "application/x-ndjson"
)

// readFields reads a body that is one JSON object. The faults of its fields are collected by the caller.
func readFields(r *http.Request, found *faults) (*object, error) {
	if _, err := mediaType(r, jsonType); err != nil {
		return nil, err
	}
	if r.ContentLength > maxBody {
		return nil, tooLarge(maxBody)
	}
	data, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, readFault(err)
	}
	if err := checkJSON(data); err != nil {
		return nil, err
	}
	return readObject(data, "", "body", found), nil
}

// mediaType is that of the body, one of the allowed ones. One is demanded, and a body that is compressed refused: web
// pages may send a body of no type anywhere, and what is not read as it was meant must not be read at all.
func mediaType(r *http.Request, allowed ...string) (string, error) {
	want := "the body must be sent as Content-Type: " + strings.Join(allowed, " or ")
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return "", &rag.Error{Kind: errMediaType, Message: want + ", without a Content-Encoding"}
	}
	got, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset, given := params["charset"]; err == nil && (!given || strings.EqualFold(charset, "utf-8")) {
		if slices.Contains(allowed, got) {
			return got, nil
		}
	}
	return "", &rag.Error{Kind: errMediaType, Message: want}
}

// checkJSON says why data is not one JSON value in UTF-8. encoding/json would replace text that is not, without a word.
func checkJSON(data []byte) error {
	if !utf8.Valid(data) {
		return malformed("the body is not UTF-8")
	}
	var value json.RawMessage
	if err := json.Unmarshal(data, &value); err != nil {
		return notJSON("the body", err)
	}
	if !surrogatesPair(data) {
		return malformed(`the body has half of a surrogate pair (\ud800 to \udfff), which is no character`)
	}
	return nil
}

func malformed(message string) error { return &rag.Error{Kind: errMalformed, Message: message} }

func notJSON(what string, err error) error {
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return malformed(fmt.Sprintf("%s is not JSON: %s, at byte %d", what, s.Error(), s.Offset))
	}
	return malformed(what + " is not JSON: it ends early")
}

func tooLarge(limit int64) error {
	return &rag.Error{Kind: errTooLarge, Message: fmt.Sprintf("the body must have at most %d bytes", limit), Details: map[string]any{"max_bytes": limit}}
}

// readFault is why a body could not be read: it is too large, came too slowly, or its client stopped sending.
func readFault(err error) error {
	if over, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(over.Limit)
	}
	return &rag.Error{Kind: errMalformed, Message: "the body could not be read to its end", Cause: err}
}

// surrogatesPair says whether each \ud800 to \udbff of valid JSON is followed by its other half, and none comes alone.
func surrogatesPair(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++ // what is escaped; of an escaped backslash this is the second one
		if data[i] != 'u' || data[i+1]|0x20 != 'd' || data[i+2] < '8' {
			continue
		}
		if data[i+2]|0x20 >= 'c' || !lowSurrogate(data[i+5:]) {
			return false
		}
		i += len(`uD800\uDC0`)
	}
	return true
}

// lowSurrogate says whether data begins with \udc00 to \udfff.
func lowSurrogate(data []byte) bool {
	return len(data) >= 6 && data[0] == '\\' && data[1] == 'u' && data[2]|0x20 == 'd' && data[3]|0x20 >= 'c'
}
