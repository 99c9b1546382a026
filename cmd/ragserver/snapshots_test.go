package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// snapshotsConfig is the file of a configuration with a new index, after edit.
func snapshotsConfig(t *testing.T, edit func(*config.Config)) string {
	t.Helper()
	index := "snapshots-" + strings.ToLower(rand.Text())
	c := config.Config{
		Service: config.Service{Namespace: "prod", Name: index, Replicas: 1},
		Stores: config.Stores{OpenSearch: &config.OpenSearch{
			URLs: []string{backends.OpenSearch(t)}, Index: index, Snapshots: &config.Snapshots{Repository: index, Location: index, Keep: 1},
		}},
		LLM:        config.LLM{Provider: config.ProviderExtractive},
		Retrieval:  config.Retrieval{TopK: 5, MaxTopK: 50, Chunking: config.Chunking{Words: 600, OverlapWords: 100}},
		Cache:      config.Cache{TTLSearch: 1, TTLLLM: 1, LocalMaxBytes: 1},
		RateLimits: config.RateLimits{DefaultTier: "free"},
		Auth:       config.Auth{Mode: config.AuthAPIKey},
		Logging:    config.Logging{Level: "INFO", LogQueries: config.LogQueriesHash, SlowQueryThreshold: 1},
	}
	edit(&c)
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// snapshotsCommand is the exit code and the output of ragserver snapshots.
func snapshotsCommand(t *testing.T, arguments ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaints bytes.Buffer
	code = run(t.Context(), append([]string{"snapshots"}, arguments...), os.Getenv, &out, &complaints)
	return code, out.String(), complaints.String()
}

func TestSnapshotsAreTakenListedAndRestored(t *testing.T) {
	t.Parallel()
	file := snapshotsConfig(t, func(c *config.Config) {
		store, err := opensearch.New(opensearch.Options{Config: *c.Stores.OpenSearch})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		if err := store.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		d, err := rag.ChunkAndHash(rag.Document{ID: "d", Text: "A document."}, rag.RetrievalSettings{ChunkWords: 20})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Write(t.Context(), "t", []rag.ChunkedDocument{d}); err != nil {
			t.Fatal(err)
		}
		if err := store.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	taken := regexp.MustCompile(`^took (prod\.snapshots-[a-z0-9]+-\d{8}-\d{6}) in [0-9.]+m?s\n(deleted .*\n)?$`)
	var name string
	for range 2 { // of which one is kept
		code, out, complaints := snapshotsCommand(t, "--config", file, "--secrets-dir", t.TempDir(), "take")
		match := taken.FindStringSubmatch(out)
		if code != 0 || match == nil || complaints != "" {
			t.Fatalf("take ends with %d, %q, %q", code, out, complaints)
		}
		if match[1] == name {
			t.Fatalf("two are called %s", name)
		}
		name = match[1]
		await(t, "a second that has another name", func() bool { return !strings.HasSuffix(name, time.Now().UTC().Format("20060102-150405")) })
	}
	code, out, complaints := snapshotsCommand(t, "--config", file, "--secrets-dir", t.TempDir(), "list")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 2 || !strings.HasPrefix(lines[0], "NAME ") || !strings.HasPrefix(lines[1], name+"   SUCCESS   20") || complaints != "" {
		t.Errorf("list ends with %d, %q, %q; want a heading and %s", code, out, complaints, name)
	}
	code, out, complaints = snapshotsCommand(t, "--config", file, "--secrets-dir", t.TempDir(), "restore", name)
	if code != 0 || !strings.HasPrefix(out, "restored "+name+" in ") || complaints != "" {
		t.Errorf("restore ends with %d, %q, %q", code, out, complaints)
	}
}

func TestSnapshotsOfNothing(t *testing.T) {
	t.Parallel()
	file := snapshotsConfig(t, func(*config.Config) {})
	without := snapshotsConfig(t, func(c *config.Config) { c.Stores.OpenSearch.Snapshots = nil })
	nowhere := snapshotsConfig(t, func(c *config.Config) { c.Stores.OpenSearch.URLs = []string{"http://127.0.0.1:1"} })
	for name, c := range map[string]struct {
		arguments []string
		code      int
		says      string
	}{
		"no command":        {[]string{"--config", file}, 2, "usage: ragserver snapshots"},
		"another command":   {[]string{"--config", file, "delete"}, 2, `"delete" is no command`},
		"no name":           {[]string{"--config", file, "restore"}, 2, "usage: ragserver snapshots"},
		"an empty name":     {[]string{"--config", file, "restore", ""}, 2, "usage: ragserver snapshots"},
		"two names":         {[]string{"--config", file, "restore", "a", "b"}, 2, "usage: ragserver snapshots"},
		"a flag of servers": {[]string{"--listen", ":1", "list"}, 2, "flag provided but not defined"},
		"no file":           {[]string{"--config", file + ".none", "list"}, 1, "no such file"},
		"none configured":   {[]string{"--config", without, "take"}, 1, "set spec.openSearch.snapshots"},
		"no OpenSearch":     {[]string{"--config", nowhere, "take"}, 1, "connection refused"},
		"no such snapshot":  {[]string{"--config", file, "restore", "prod.x-20260101-000000"}, 1, "there is no such snapshot"},
	} {
		code, out, complaints := snapshotsCommand(t, c.arguments...)
		if code != c.code || !strings.Contains(complaints, c.says) || strings.Count(complaints, "\n") != 1 || out != "" {
			t.Errorf("%s: ends with %d, %q, %q; want %d and %q in one line", name, code, out, complaints, c.code, c.says)
		}
	}
	if code, _, help := snapshotsCommand(t, "--help"); code != 0 || !strings.Contains(help, "restore NAME") || !strings.Contains(help, "-secrets-dir") {
		t.Errorf("--help ends with %d, %q", code, help)
	}
}
