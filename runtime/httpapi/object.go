package httpapi

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// maxFaults bounds how many faults of a request are told; a body of a megabyte can have a hundred thousand.
const maxFaults = 20

// maxName bounds the name of a field in a fault, and maxID the id of a document in a result, in bytes.
const (
	maxName = 200
	maxID   = 256
)

// faults are what is wrong with the fields of a request.
type faults []rag.FieldError

func (f *faults) add(field, reason string) {
	if len(*f) < maxFaults {
		*f = append(*f, rag.FieldError{Field: shorten(field, maxName), Reason: reason})
	}
}

func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	return rag.Invalid(*f...)
}

// shorten keeps a name that a caller made up from filling the answer.
func shorten(name string, longest int) string {
	if len(name) <= longest {
		return name
	}
	return string(bytes.ToValidUTF8([]byte(name[:longest]), nil)) + "..."
}

// object reads the fields of a JSON object by name and type and collects what is wrong with them. A field that is null
// counts as absent. encoding/json alone would overlook names in the wrong case and fields that are given twice, and stop
// at the first fault.
type object struct {
	// path precedes names of fields: "metadata.".
	path string
	// fields is nil when the value is no object, which is fault enough.
	fields map[string]json.RawMessage
	faults *faults
}

// readObject takes data, which is valid JSON, apart. Anything but an object is a fault of field.
func readObject(data []byte, path, field string, found *faults) *object {
	o := &object{path: path, faults: found}
	if kindOf(data) != "an object" {
		found.add(field, "must be an object, not "+kindOf(data))
		return o
	}
	o.fields = map[string]json.RawMessage{}
	d := json.NewDecoder(bytes.NewReader(data))
	_, _ = d.Token() // the opening brace; data is valid, so that no call here fails
	for d.More() {
		token, _ := d.Token()
		name, _ := token.(string)
		var value json.RawMessage
		_ = d.Decode(&value)
		if _, twice := o.fields[name]; twice {
			found.add(path+name, "is given twice")
		}
		o.fields[name] = value
	}
	return o
}

// take removes a field, so that in the end those that nobody asked for are left.
func (o *object) take(name string) (json.RawMessage, bool) {
	value, ok := o.fields[name]
	delete(o.fields, name)
	return value, ok && kindOf(value) != "null"
}

// refuseRest makes faults of the fields that nobody asked for.
func (o *object) refuseRest() {
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		o.faults.add(o.path+name, "is not a known field")
	}
}

func (o *object) required(name string) string {
	if value, ok := o.fields[name]; o.fields != nil && (!ok || kindOf(value) == "null") {
		o.faults.add(o.path+name, "is required")
	}
	return o.text(name)
}

func (o *object) text(name string) string {
	var s string
	if value, ok := o.take(name); ok && !readAs(value, "a string", &s) {
		o.wrong(name, "a string", value)
	}
	return s
}

func (o *object) boolean(name string) *bool {
	value, ok := o.take(name)
	if !ok {
		return nil
	}
	var b bool
	if !readAs(value, "a boolean", &b) {
		o.wrong(name, "a boolean", value)
	}
	return &b
}

func (o *object) number(name string) *float64 {
	value, ok := o.take(name)
	if !ok {
		return nil
	}
	var n float64
	switch {
	case kindOf(value) != "a number":
		o.wrong(name, "a number", value)
	case !readAs(value, "a number", &n):
		o.faults.add(o.path+name, "is too large a number")
	}
	return &n
}

func (o *object) integer(name string) *int {
	value, ok := o.take(name)
	if !ok {
		return nil
	}
	if kindOf(value) != "a number" {
		o.wrong(name, "an integer", value)
		return nil
	}
	n, err := strconv.Atoi(string(value))
	if err != nil {
		o.faults.add(o.path+name, "must be an integer that is not too large")
		return nil
	}
	return &n
}

// filter reads {"field": "value" or ["a","b"]}.
func (o *object) filter(name string) rag.Filter {
	value, ok := o.take(name)
	if !ok {
		return nil
	}
	inner := readObject(value, o.path+name+".", o.path+name, o.faults)
	filter := rag.Filter{}
	for _, field := range slices.Sorted(maps.Keys(inner.fields)) {
		wanted := inner.fields[field]
		var one string
		var many []string
		switch {
		case readAs(wanted, "a string", &one):
			filter[field] = []string{one}
		case isStrings(wanted) && readAs(wanted, "an array", &many):
			filter[field] = many
		default:
			inner.wrong(field, "a string or an array of strings", wanted)
		}
	}
	return filter
}

// metadata reads a flat object; the domain checks its values.
func (o *object) metadata(name string) rag.Metadata {
	value, ok := o.take(name)
	if !ok {
		return nil
	}
	inner := readObject(value, o.path+name+".", o.path+name, o.faults)
	metadata := rag.Metadata{}
	for _, field := range slices.Sorted(maps.Keys(inner.fields)) {
		var v any
		if json.Unmarshal(inner.fields[field], &v) != nil { // valid JSON fails for a number beyond float64 alone
			inner.faults.add(inner.path+field, "is too large a number")
			continue
		}
		metadata[field] = v
	}
	return metadata
}

func (o *object) wrong(name, want string, got json.RawMessage) {
	o.faults.add(o.path+name, "must be "+want+", not "+kindOf(got))
}

// readAs reads a value of the kind; it reports false for a value of another.
func readAs(value json.RawMessage, kind string, into any) bool {
	return kindOf(value) == kind && json.Unmarshal(value, into) == nil
}

func isStrings(value json.RawMessage) bool {
	var items []json.RawMessage
	if json.Unmarshal(value, &items) != nil {
		return false
	}
	return !slices.ContainsFunc(items, func(item json.RawMessage) bool { return kindOf(item) != "a string" })
}

// kindOf names the kind of a valid JSON value, which its first byte tells.
func kindOf(value []byte) string {
	value = bytes.TrimLeft(value, " \t\r\n")
	if len(value) == 0 {
		return "nothing"
	}
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}
