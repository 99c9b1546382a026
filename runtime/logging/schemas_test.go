package logging

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/logging/schemas"
)

var update = flag.Bool("update", false, "rewrite the schemas of events")

const (
	schemaBase = "https://ragservice.dev/schemas/log/"
	attributes = "attributes.json"
)

// shape is a kind of line that an event makes.
type shape struct {
	level    string
	names    []string // of all attributes, in their order
	required []string // those that are always there
}

// describeLine is the line that e makes, decoded.
func describeLine(t *testing.T, e Event) (event, level string, names []string) {
	t.Helper()
	var b bytes.Buffer
	log := New(&b)
	if err := log.SetLevel("DEBUG"); err != nil {
		t.Fatal(err)
	}
	log.Write(t.Context(), e)
	var head struct{ Event, Level string }
	if err := json.Unmarshal(b.Bytes(), &head); err != nil {
		t.Fatalf("%s: %v", b.String(), err)
	}
	return head.Event, head.Level, attributesOf(t, b.Bytes())
}

// shapes are those of all events, by their names: what is true or false may choose among them, and what is empty may be left out.
func shapes(t *testing.T) map[string][]shape {
	t.Helper()
	all := map[string][]shape{}
	for _, e := range everyEvent {
		for _, flags := range []bool{false, true} {
			full := reflect.New(reflect.TypeOf(e)).Elem()
			full.Set(reflect.ValueOf(e))
			empty := reflect.New(reflect.TypeOf(e)).Elem()
			for i := range full.NumField() {
				if full.Field(i).Kind() == reflect.Bool {
					full.Field(i).SetBool(flags)
					empty.Field(i).SetBool(flags)
				}
			}
			event, level, names := describeLine(t, full.Interface().(Event))
			_, _, required := describeLine(t, empty.Interface().(Event))
			s := shape{level, names, intersect(names, required...)}
			if !slices.ContainsFunc(all[event], func(other shape) bool { return reflect.DeepEqual(s, other) }) {
				all[event] = append(all[event], s)
			}
			if repeats := (shape{level, append(intersect(names, "dependency", "code"), "repeated"), []string{"repeated"}}); level == "WARNING" {
				all[event] = append(all[event], repeats)
			}
		}
	}
	for event := range all {
		all[event] = slices.CompactFunc(all[event], func(a, b shape) bool { return reflect.DeepEqual(a, b) })
	}
	return all
}

func intersect(names []string, wanted ...string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(wanted, name) })
}

// schema is that of an event.
func schema(event string, shapes []shape) any {
	var variants []any
	for _, s := range shapes {
		properties := map[string]any{"event": map[string]any{"const": event}, "level": map[string]any{"const": s.level}}
		common := []string{"timestamp", "trace_id", "user_id"}
		for _, name := range append(common, s.names...) {
			properties[name] = map[string]any{"$ref": attributes + "#/$defs/" + name}
		}
		variants = append(variants, map[string]any{
			"type": "object", "additionalProperties": false, "properties": properties,
			"required": append([]string{"timestamp", "level", "event", "trace_id", "user_id"}, s.required...),
		})
	}
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"$id":     schemaBase + event + ".json",
		"title":   event,
		"anyOf":   variants,
	}
}

// TestSchemas: each event has a schema, which says what the event's type says; no schema is of an event that is gone.
func TestSchemas(t *testing.T) {
	want := map[string]string{}
	for event, s := range shapes(t) {
		text, err := json.MarshalIndent(schema(event, s), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		want[event+".json"] = string(text) + "\n"
	}
	if *update {
		for name, text := range want {
			if err := os.WriteFile(filepath.Join("schemas", name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := folder(t, "schemas")
	delete(got, "schemas.go")
	delete(got, attributes)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("go test ./runtime/logging -run TestSchemas -update writes them, and read the difference (-want +got):\n%s", diff)
	}
}

// TestAttributesAreDefined, all that events have and no others.
func TestAttributesAreDefined(t *testing.T) {
	text, err := fs.ReadFile(schemas.Files, attributes)
	if err != nil {
		t.Fatal(err)
	}
	var defined struct {
		Defs map[string]struct {
			Ref string `json:"$ref"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(text, &defined); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"timestamp": true, "trace_id": true, "user_id": true}
	for _, all := range shapes(t) {
		for _, s := range all {
			for _, name := range s.names {
				used[name] = true
			}
		}
	}
	for _, d := range defined.Defs {
		if d.Ref != "" {
			used[strings.TrimPrefix(d.Ref, "#/$defs/")] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(used)), slices.Sorted(maps.Keys(defined.Defs))); diff != "" {
		t.Errorf("attributes (-used +defined):\n%s", diff)
	}
}

// TestEveryEventIsListed: the tests of this package know each type of the package that is an event.
func TestEveryEventIsListed(t *testing.T) {
	listed := map[string]bool{"repeated": true} // not an event: a line of any WARNING
	for _, e := range everyEvent {
		listed[reflect.TypeOf(e).Name()] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "describe" {
				continue
			}
			if receiver, ok := f.Recv.List[0].Type.(*ast.Ident); ok {
				declared[receiver.Name] = true
			}
		}
	}
	if diff := cmp.Diff(declared, listed); diff != "" {
		t.Errorf("events (-declared +listed):\n%s", diff)
	}
}
