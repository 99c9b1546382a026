package manifest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/internal/manifest"
)

const (
	service   = "apiVersion: ragservice.dev/v1alpha1\nkind: RAGService\nmetadata: {name: papers}\nspec:\n" + extractive
	namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: library}\n"
)

// secretOf is a Secret with further fields.
func secretOf(name, fields string) string {
	return "apiVersion: v1\nkind: Secret\nmetadata: {name: " + name + "}\n" + fields
}

func file(documents ...string) []byte { return []byte(strings.Join(documents, "---\n")) }

func TestLoad(t *testing.T) {
	m, err := manifest.Load(file(
		"# Comments alone are no document.\n",
		namespace,
		secretOf("keys", "type: Opaque\nimmutable: true\ndata: {a: YWRtaW4=, b: Yg==}\nstringData: {b: wins, c: 'text'}\n"),
		service,
		secretOf("empty", ""),
	))
	if err != nil {
		t.Fatal(err)
	}
	if m.Service.Name != "papers" || m.Service.Namespace != manifest.DefaultNamespace {
		t.Errorf("got %s/%s", m.Service.Namespace, m.Service.Name)
	}
	want := map[string]map[string][]byte{
		"keys":  {"a": []byte("admin"), "b": []byte("wins"), "c": []byte("text")},
		"empty": {},
	}
	if diff := cmp.Diff(want, m.Secrets); diff != "" {
		t.Errorf("Secrets (-want +got):\n%s", diff)
	}
}

func TestLoadNamespace(t *testing.T) {
	inLibrary := func(text string) string {
		return strings.Replace(text, "metadata: {", "metadata: {namespace: library, ", 1)
	}
	m, err := manifest.Load(file(inLibrary(service), inLibrary(secretOf("keys", ""))))
	if err != nil {
		t.Fatal(err)
	}
	if m.Service.Namespace != "library" {
		t.Errorf("got %q", m.Service.Namespace)
	}
	_, err = manifest.Load(file(inLibrary(service), secretOf("keys", "")))
	wantPaths(t, err, `Secret "keys" metadata.namespace`)
}

func TestLoadRefuses(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		want []string
	}{
		{"nothing", nil, []string{"manifest"}},
		{"no RAGService", file(namespace), []string{"manifest"}},
		{"two RAGServices", file(service, service), []string{"manifest"}},
		{"another kind", file(service, "apiVersion: v1\nkind: ConfigMap\n"), []string{"document 2"}},
		{"another version", file(strings.Replace(service, "v1alpha1", "v1", 1)), []string{"document 1", "manifest"}},
		{"no kind", file("spec: {}\n"), []string{"document 1", "manifest"}},
		{"no name", file(strings.Replace(service, "name: papers", "", 1)), []string{"RAGService", "metadata.name"}},
		{"unknown field of metadata", file(strings.Replace(service, "name: papers", "name: papers, label: {}", 1)), []string{"metadata.label"}},
		{"metadata of a wrong type", file(strings.Replace(service, "{name: papers}", "papers", 1)), []string{"metadata"}},
		{"unknown field of a Secret", file(service, secretOf("a", "strings: {}\n")), []string{`Secret "a" strings`}},
		{"Secret without a name", file(service, "apiVersion: v1\nkind: Secret\n"), []string{"document 2"}},
		{"Secret twice", file(service, secretOf("a", ""), secretOf("a", "")), []string{`Secret "a"`}},
		{"Secret that is not base64", file(service, secretOf("a", "data: {k: '!hidden!'}\n")), []string{`Secret "a" data.k`}},
		{"Secret with a number", file(service, secretOf("a", "stringData: {k: 4711}\n")), []string{"document 2"}},
		{"problems of several documents", file(service, secretOf("a", "strings: {}\n"), "kind: Pod\n"), []string{`Secret "a" strings`, "document 3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := manifest.Load(tt.data)
			wantPaths(t, err, tt.want...)
			for _, value := range []string{"hidden", "4711"} {
				if strings.Contains(err.Error(), value) {
					t.Errorf("%q tells a Secret's value", err)
				}
			}
		})
	}
}

func wantPaths(t *testing.T, err error, want ...string) {
	t.Helper()
	var invalid *manifest.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("got %v, want an InvalidError", err)
	}
	if diff := cmp.Diff(want, pathsOf(invalid)); diff != "" {
		t.Errorf("fields (-want +got):\n%s\n%v", diff, err)
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != len(invalid.Problems) {
		t.Errorf("%d lines for %d problems:\n%v", lines, len(invalid.Problems), err)
	}
}

func TestLoadRefusesWhatIsNotYAML(t *testing.T) {
	for name, text := range map[string]string{
		"syntax":        "a: [b",
		"field twice":   service + "spec: {}\n",
		"not an object": "- a\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := manifest.Load(file(namespace, text))
			if err == nil || !strings.Contains(err.Error(), "document 2") {
				t.Errorf("got %v, want one that names document 2", err)
			}
		})
	}
}
