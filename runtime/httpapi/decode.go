package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// maxBody is the largest body of a request but documents, in bytes. A query has at most 1,000 characters.
	maxBody = 1 << 20
	// maxFaults bounds how many faults of a request are told; a body of a megabyte can have a hundred thousand.
	maxFaults = 20

	// maxEntries bounds how many names of a filter or of metadata are remembered, to tell those that come twice.
	maxEntries = 1024

	jsonType   = "application/json"
	ndjsonType = "application/x-ndjson"
)

// byteOrderMark is what some editors and programs put before JSON; it means nothing.
var byteOrderMark = []byte("\xef\xbb\xbf")

// readBody reads the body of a request that is one JSON object, of at most maxBody bytes.
func readBody(r *http.Request) ([]byte, error) {
	if _, err := mediaType(r, jsonType); err != nil {
		return nil, err
	}
	if r.ContentLength > maxBody {
		return nil, tooLarge(maxBody)
	}
	body := http.MaxBytesReader(nil, r.Body, maxBody)
	var data []byte
	var err error
	if r.ContentLength > 0 {
		data = make([]byte, r.ContentLength)
		_, err = io.ReadFull(body, data)
	} else {
		data, err = io.ReadAll(body)
	}
	if err != nil {
		return nil, readFault(err)
	}
	return data, nil
}

// mediaType is that of the body, one of the allowed ones. One is demanded, and a body that is compressed refused: web
// pages may send a body of no type anywhere, and what is not read as it was meant must not be read at all.
func mediaType(r *http.Request, allowed ...string) (string, error) {
	encoding := r.Header.Get("Content-Encoding")
	if encoding != "" && !strings.EqualFold(encoding, "identity") {
		return "", unsupported(allowed, ", without a Content-Encoding")
	}
	given := r.Header.Get("Content-Type")
	if slices.Contains(allowed, given) {
		return given, nil
	}
	got, params, err := mime.ParseMediaType(given)
	charset, named := params["charset"]
	utf8 := !named || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
	if err != nil || !utf8 || !slices.Contains(allowed, got) {
		return "", unsupported(allowed, "")
	}
	return got, nil
}

func unsupported(allowed []string, without string) error {
	return &rag.Error{Kind: errMediaType, Message: "the body must be sent as Content-Type: " + strings.Join(allowed, " or ") + without}
}

func malformed(message string) error { return &rag.Error{Kind: errMalformed, Message: message} }

// notJSON tells where JSON breaks.
func notJSON(what string, err error) error {
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok || errors.Is(syntax, io.ErrUnexpectedEOF) {
		return malformed(what + " is not JSON: it ends early")
	}
	return malformed(fmt.Sprintf("%s is not JSON in UTF-8: %v, at byte %d", what, syntax.Err, syntax.ByteOffset))
}

func tooLarge(limit int64) error {
	return &rag.Error{
		Kind: errTooLarge, Message: fmt.Sprintf("the body must have at most %d bytes", limit), Details: map[string]any{"max_bytes": limit},
	}
}

// readFault is why a body could not be read: it is too large, came too slowly, or its client stopped sending.
func readFault(err error) error {
	if over, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(over.Limit)
	}
	if told, ok := errors.AsType[*rag.Error](err); ok {
		return told
	}
	return &rag.Error{Kind: errMalformed, Message: "the body could not be read to its end", Cause: err}
}

// faults are what is wrong with the fields of a request, in the order of the request.
type faults []rag.FieldError

func (f *faults) add(field, reason string) {
	if len(*f) < maxFaults {
		*f = append(*f, rag.FieldError{Field: field, Reason: reason})
	}
}

func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	return rag.Invalid(*f...)
}

// fields are the members that an object may have, 64 at most.
type fields struct {
	known    []string
	required []string
}

// decoder reads one JSON object in one pass, and collects what is wrong with its fields instead of stopping at the first
// fault. A member that is null counts as not given.
type decoder struct {
	json   jsontext.Decoder
	buffer bytes.Buffer
	faults faults
	// prefix precedes names of fields in faults: "metadata.".
	prefix string
	// err is what ended the reading: the data is no JSON.
	err error
}

// decoders are kept for reuse: one is some hundred bytes, and every request needs one.
var decoders = sync.Pool{New: func() any { return new(decoder) }}

// tolerant lets names come twice: that is a fault of a field, to be told by its name. What is not UTF-8, and half a
// surrogate pair, are errors of the syntax.
var tolerant = []jsontext.Options{jsontext.AllowDuplicateNames(true)}

// decode reads data, which has to be one JSON object. It calls member for each known field that is given, which has to
// read the value. The error is malformed_json with what as its subject, or validation_failed with each fault.
func decode(data []byte, what string, f fields, member func(d *decoder, name string)) error {
	d, _ := decoders.Get().(*decoder)
	d.buffer = *bytes.NewBuffer(bytes.TrimPrefix(data, byteOrderMark))
	d.json.Reset(&d.buffer, tolerant...)
	defer func() {
		d.buffer, d.faults, d.prefix, d.err = bytes.Buffer{}, nil, "", nil
		d.json.Reset(&d.buffer)
		decoders.Put(d)
	}()
	if kind := d.json.PeekKind(); kind == jsontext.KindBeginObject {
		d.object(f, member)
	} else if d.skip(); d.err == nil {
		d.faults.add(what, "must be an object, not "+kindName(kind))
	}
	if d.err == nil {
		if _, err := d.json.ReadToken(); err == nil {
			return malformed("something follows the " + what)
		} else if !errors.Is(err, io.EOF) {
			d.err = err
		}
	}
	if d.err != nil {
		return notJSON("the "+what, d.err)
	}
	return d.faults.err()
}

// object reads the members of an object whose names are known.
func (d *decoder) object(f fields, member func(d *decoder, name string)) {
	var seen, given uint64
	for raw := range d.members() {
		at := slices.IndexFunc(f.known, func(known string) bool { return known == string(raw) })
		switch {
		case at < 0:
			d.fault(string(raw), "is not a known field")
			d.skip()
			continue
		case seen&(1<<at) != 0:
			d.fault(f.known[at], "is given twice")
		}
		seen |= 1 << at
		if d.json.PeekKind() == jsontext.KindNull {
			d.skip()
			continue
		}
		given |= 1 << at
		member(d, f.known[at])
	}
	for _, name := range f.required {
		if given&(1<<slices.Index(f.known, name)) == 0 {
			d.fault(name, "is required")
		}
	}
}

// entries reads an object of any names; read is called for each that is given.
func (d *decoder) entries(name string, read func(name string)) {
	if d.json.PeekKind() != jsontext.KindBeginObject {
		d.wrong(name, "an object")
		return
	}
	outer := d.prefix
	d.prefix += name + "."
	seen := map[string]struct{}{}
	for raw := range d.members() {
		entry := string(raw)
		if _, twice := seen[entry]; twice {
			d.fault(entry, "is given twice")
		}
		if len(seen) < maxEntries {
			seen[entry] = struct{}{}
		}
		if d.json.PeekKind() == jsontext.KindNull {
			d.skip()
			continue
		}
		read(entry)
	}
	d.prefix = outer
}

// members yields the name of each member, valid until the next one; the loop's body has to read the value.
func (d *decoder) members() func(yield func(name []byte) bool) {
	return func(yield func([]byte) bool) {
		_, d.err = d.json.ReadToken()
		var name []byte
		for d.err == nil && d.json.PeekKind() != jsontext.KindEndObject {
			var raw jsontext.Value
			if raw, d.err = d.json.ReadValue(); d.err != nil {
				return
			}
			name, _ = jsontext.AppendUnquote(name[:0], raw) // what was read as a name is a string
			if !yield(name) {
				return
			}
		}
		if d.err == nil {
			_, d.err = d.json.ReadToken()
		}
	}
}

func (d *decoder) fault(name, reason string) { d.faults.add(d.prefix+name, reason) }

// wrong makes a fault of a value of another kind and passes over it.
func (d *decoder) wrong(name, want string) {
	kind := d.json.PeekKind()
	if d.skip(); d.err == nil {
		d.fault(name, "must be "+want+", not "+kindName(kind))
	}
}

func (d *decoder) skip() {
	if d.err == nil {
		d.err = d.json.SkipValue()
	}
}

// value reads a value of the kind; nil when it is of another, which is a fault, or broken.
func (d *decoder) value(name, want string, kind jsontext.Kind) []byte {
	if d.json.PeekKind() != kind {
		d.wrong(name, want)
		return nil
	}
	var raw jsontext.Value
	raw, d.err = d.json.ReadValue()
	return raw
}

func (d *decoder) text(name string) string {
	raw := d.value(name, "a string", jsontext.KindString)
	if len(raw) < 2 {
		return ""
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	text, _ := jsontext.AppendUnquote(make([]byte, 0, len(raw)), raw) // the decoder has checked it
	return string(text)
}

func (d *decoder) boolean(name string) *bool {
	if kind := d.json.PeekKind(); kind != jsontext.KindTrue && kind != jsontext.KindFalse {
		d.wrong(name, "a boolean")
		return nil
	}
	var token jsontext.Token
	if token, d.err = d.json.ReadToken(); d.err != nil {
		return nil
	}
	b := token.Bool()
	return &b
}

func (d *decoder) number(name string) *float64 {
	raw := d.value(name, "a number", jsontext.KindNumber)
	if raw == nil || d.err != nil {
		return nil
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		d.fault(name, "is too large a number")
		return nil
	}
	return &n
}

// integer reads a whole number, in any of the ways of JSON to write one: 5, 5.0, 0.5e1.
func (d *decoder) integer(name string) *int {
	raw := d.value(name, "an integer", jsontext.KindNumber)
	if raw == nil || d.err != nil {
		return nil
	}
	n, err := strconv.Atoi(string(raw))
	if err == nil {
		return &n
	}
	whole, ok := parseDecimal(raw).integer()
	if !ok {
		d.fault(name, "must be a whole number of at most 18 digits")
		return nil
	}
	return &whole
}

// strings reads an array of strings. Of one longer than most, which is a fault of its own, no more than one beyond is
// kept; anything but strings is told by the second value.
func (d *decoder) strings(most int) (list []string, onlyStrings bool) {
	onlyStrings = true
	_, d.err = d.json.ReadToken()
	for d.err == nil && d.json.PeekKind() != jsontext.KindEndArray {
		switch {
		case d.json.PeekKind() != jsontext.KindString:
			onlyStrings = false
			d.skip()
		case len(list) > most:
			d.skip()
		default:
			list = append(list, d.text(""))
		}
	}
	if d.err == nil {
		_, d.err = d.json.ReadToken()
	}
	return list, onlyStrings
}

// kindName names the kind of a JSON value.
func kindName(kind jsontext.Kind) string {
	switch kind {
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindBeginArray:
		return "an array"
	case jsontext.KindString:
		return "a string"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "a boolean"
	case jsontext.KindNull:
		return "null"
	case jsontext.KindNumber:
		return "a number"
	default:
		return "nothing"
	}
}
