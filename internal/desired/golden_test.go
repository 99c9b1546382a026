package desired_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The golden files are what a RAGService becomes, to be read by people too.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, rag := range map[string]*v1alpha1.RAGService{
		"smallest": desiredtest.Smallest(), "full": desiredtest.Full(),
		"external-redis": desiredtest.ExternalRedis(), "redis-tls": desiredtest.RedisTLS(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := render(t, build(t, desiredtest.Inputs(rag)))
			path := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(path, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("run with -update if this is meant (-want +got):\n%s", diff)
			}
		})
	}
}

// Without keys a service is the same but for its configuration, and what says that this is another.
func TestAnonymousDiffersInItsConfiguration(t *testing.T) {
	t.Parallel()
	lines := func(rag *v1alpha1.RAGService) []string {
		return strings.Split(string(render(t, build(t, desiredtest.Inputs(rag)))), "\n")
	}
	keys, anonymous := lines(desiredtest.Smallest()), lines(desiredtest.Anonymous())
	if len(keys) != len(anonymous) {
		t.Fatalf("%d lines, with keys %d", len(anonymous), len(keys))
	}
	var fields []string
	for i, line := range anonymous {
		if line != keys[i] {
			field, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			fields = append(fields, field)
			if field == "mode" && value != "Anonymous" {
				t.Errorf("the mode is %s", value)
			}
		}
	}
	if diff := cmp.Diff([]string{"ConfigHash", "mode", "ragservice.dev/config-hash"}, fields); diff != "" {
		t.Errorf("lines that differ (-want +got):\n%s", diff)
	}
}

func render(t *testing.T, state desired.Plan) []byte {
	t.Helper()
	var out bytes.Buffer
	document := func(v any) {
		data, err := yaml.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n")
		out.Write(data)
	}
	objects := state.Objects()
	for i := range state.Components {
		state.Components[i].Objects = nil
	}
	document(state)
	for _, o := range objects {
		document(o.Config)
	}
	return out.Bytes()
}
