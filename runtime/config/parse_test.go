package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// changed is the valid configuration as YAML with the value at a dotted path replaced.
func changed(t *testing.T, path string, value any) []byte {
	t.Helper()
	data, err := yaml.Marshal(valid())
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	if err := yaml.Unmarshal(data, &whole); err != nil {
		t.Fatal(err)
	}
	at, names := whole, strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		at = at[name].(map[string]any)
	}
	at[names[len(names)-1]] = value
	if data, err = yaml.Marshal(whole); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParse(t *testing.T) {
	cfg, unknown, err := config.Parse(changed(t, "retrieval.topK", 7))
	if err != nil || unknown != nil {
		t.Fatal(unknown, err)
	}
	want := valid()
	want.Retrieval.TopK = 7
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		// want starts the error.
		want string
	}{
		{"not YAML", []byte("a: [b"), "the configuration is not YAML"},
		{"a field twice", []byte("auth: {mode: APIKey}\nauth: {mode: Anonymous}\n"), "the configuration is not YAML"},
		{"nothing", nil, "service.namespace: must not be empty"},
		{"a list", []byte("- a\n"), "the configuration must be an object, not array"},
		{"text for a number", changed(t, "retrieval.topK", "five"), "retrieval.topK: must be a whole number, not string"},
		{"a fraction for a whole number", changed(t, "retrieval.topK", 1.5), "retrieval.topK: must be a whole number, not number 1.5"},
		{"text for a truth", changed(t, "cache.enabled", "yes"), "cache.enabled: must be true or false, not string"},
		{"a number for text", changed(t, "service.name", 1), "service.name: must be text, not number"},
		{"text for an object", changed(t, "retrieval.chunking", "long"), "retrieval.chunking: must be an object, not string"},
		{"text for a list", changed(t, "stores.openSearch.urls", "a"), "stores.openSearch.urls: must be a list, not string"},
		{"text for a fraction", changed(t, "llm.temperature", "hot"), "llm.temperature: must be a number, not string"},
		{"words for a duration", changed(t, "cache.ttlSearch", "1 hour"), `cache.ttlSearch: must be a duration such as "90s", not another value`},
		{"a number for a duration", changed(t, "llm.timeout", 30), `llm.timeout: must be a duration such as "90s", not another value`},
		{"out of range", changed(t, "retrieval.topK", 0), "retrieval.topK: must be at least 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := config.Parse(tt.data)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestParseUnknownFields(t *testing.T) {
	data := changed(t, "retrieval.rerank", map[string]any{"model": "m"})
	cfg, unknown, err := config.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"retrieval.rerank"}, unknown); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(valid(), cfg); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, unknown, _ := config.Parse(changed(t, "retrieval.TopK", 1)); len(unknown) != 1 {
		t.Errorf("another case of a name: unknown %v", unknown)
	}
}
