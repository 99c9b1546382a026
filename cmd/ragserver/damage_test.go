package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A damaged index is made anew before the server listens, and ends its readiness while it runs; damaged documents end the
// server.
func TestDamagedDataFolder(t *testing.T) {
	dir, manifest := t.TempDir(), write(t, "m.yaml", smallest)
	r := startAlone(t, manifest, dir)
	admin := generatedKey(t, dir, "admin")
	if status, _, body := r.post(t, "/api/v1/documents", admin, `{"id":"kites","text":"The red kite eats carrion."}`); status != http.StatusOK {
		t.Fatalf("%d %v", status, body)
	}
	r.end(t)

	damaged := empty(t, filepath.Join(dir, "documents", "chunks-*", "store", "root.bolt"))
	r = startAlone(t, manifest, dir)
	if status, _, body := r.post(t, "/api/v1/search", admin, `{"query":"kite"}`); status != http.StatusOK || body["total"] != 1.0 {
		t.Errorf("a search gave %d %v, want the document", status, body)
	}
	if status := r.get(t, r.admin+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz: %d", status)
	}
	segment := empty(t, filepath.Join(dir, "documents", "chunks-*", "store", "*.zap"))
	if status, _, body := r.post(t, "/api/v1/search", admin, `{"query":"carrion"}`); status != http.StatusServiceUnavailable {
		t.Errorf("a search over a damaged segment gave %d %v, want 503", status, body)
	}
	if status := r.get(t, r.admin+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("readyz over a damaged segment: %d, want 503", status)
	}
	r.end(t)
	if log := r.output.String(); !strings.Contains(log, `"disk_failed"`) || !strings.Contains(log, segment) {
		t.Errorf("the log does not tell of %s: %s", segment, log)
	}
	log := r.output.String()
	if !strings.Contains(log, `"index_damaged"`) || !strings.Contains(log, "CRITICAL") || !strings.Contains(log, damaged) {
		t.Errorf("the log does not tell of %s: %s", damaged, log)
	}

	damaged = empty(t, filepath.Join(dir, "documents", "records", "store", "root.bolt"))
	var stdout, stderr bytes.Buffer
	args := []string{"--manifest", manifest, "--data-dir", dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}
	if code := run(t.Context(), args, noEnvironment, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), damaged) {
		t.Errorf("exit code %d, %s; want 1 and the file", code, stderr.String())
	}
	if log := stdout.String(); !strings.Contains(log, `"server_failed"`) || !strings.Contains(log, "CRITICAL") {
		t.Errorf("the log does not tell of it: %s", log)
	}
}

// empty empties the file of a pattern, and names it.
func empty(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) != 1 {
		t.Fatalf("%s are %v, %v; want one file", pattern, files, err)
	}
	if err := os.Truncate(files[0], 0); err != nil {
		t.Fatal(err)
	}
	return files[0]
}
