package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/logging"
)

const withFile = `
apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: papers}
spec: {models: {llm: {provider: Extractive}}, logging: {file: {enabled: true}}}
`

// TestTheLogsFileIsWhatStandardOutputIs over two runs of a server.
func TestTheLogsFileIsWhatStandardOutputIs(t *testing.T) {
	t.Parallel()
	dir, manifest := t.TempDir(), write(t, "m.yaml", withFile)
	var told string
	for range 2 {
		r := startAlone(t, manifest, dir)
		r.post(t, "/api/v1/search", generatedKey(t, dir, "client"), `{"query":"kite"}`)
		r.end(t)
		told += r.output.String()
	}
	name := filepath.Join(dir, "logs", logging.FileName)
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(content) != told || !strings.Contains(told, "server_stopped") {
		t.Errorf("the file has\n%s\nstandard output had\n%s", content, told)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestAFullDiskOfTheLogFailsNoRequest: it is told on standard output and in a metric, and that it is over.
func TestAFullDiskOfTheLogFailsNoRequest(t *testing.T) {
	t.Parallel()
	disk, dir := smallDisk(t), t.TempDir()
	filler := filepath.Join(disk, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	manifest := write(t, "m.yaml", withFile)
	r := keyed{startWith(t, noEnvironment, "--manifest", manifest, "--data-dir", dir, "--log-dir", disk), t}
	key, asked := generatedKey(t, dir, "admin"), 0
	search := func() {
		t.Helper()
		if status, _, body := r.post(t, "/api/v1/search", key, `{"query":"kite"}`); status != http.StatusOK {
			t.Errorf("a search gave %d %v", status, body)
		}
		asked++
	}
	search()
	r.eventually("it is not told", func() bool { return len(r.events("log_file_failed")) == 1 })
	search()
	if body := r.admin("/metrics"); strings.Contains(body, "ragservice_log_file_lines_lost_total 0\n") ||
		!strings.Contains(body, "ragservice_log_file_lines_lost_total ") {
		t.Error("no metric counts what is lost")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	search()
	r.eventually("it is not told that it is over", func() bool { return len(r.events("log_file_restored")) == 1 })
	r.end(t)
	if n := len(r.events("request_completed")); n != asked {
		t.Errorf("standard output tells %d of %d requests", n, asked)
	}
}
