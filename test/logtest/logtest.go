// Package logtest checks lines of a server's log against the schemas of their events.
package logtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ragservice/ragservice-operator/runtime/logging/schemas"
)

// Writer passes what is written on to w, whole lines at a time. Each must be a line of the log, or tb fails.
func Writer(tb testing.TB, w io.Writer) io.Writer {
	tb.Helper()
	return writer{tb, w}
}

type writer struct {
	tb testing.TB
	w  io.Writer
}

func (w writer) Write(lines []byte) (int, error) {
	for line := range bytes.Lines(lines) {
		if err := Check(line); err != nil {
			w.tb.Errorf("a line of the log is not as its schema says: %v\n%s", err, line)
		}
	}
	return w.w.Write(lines)
}

// Check is an error for a line that is not as the schema of its event says.
func Check(line []byte) error {
	if !bytes.HasSuffix(line, []byte("\n")) {
		return errors.New("it does not end")
	}
	known, err := compiled()
	if err != nil {
		return err
	}
	var head struct {
		Event string `json:"event"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return err
	}
	schema := known[head.Event]
	if schema == nil {
		return fmt.Errorf("no schema of event %q", head.Event)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// compiled are the schemas by event.
var compiled = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	names, err := fs.Glob(schemas.Files, "*.json")
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, name := range names {
		text, err := fs.ReadFile(schemas.Files, name)
		if err != nil {
			return nil, err
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := c.AddResource(base+name, document); err != nil {
			return nil, err
		}
	}
	all := map[string]*jsonschema.Schema{}
	for _, name := range names {
		schema, err := c.Compile(base + name)
		if err != nil {
			return nil, err
		}
		all[strings.TrimSuffix(name, ".json")] = schema
	}
	return all, nil
})

const base = "https://ragservice.dev/schemas/log/"
