package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// mostMemory is how much memory the embedded server may have had at most, in KiB.
const mostMemory = 300 << 10

// TestMemoryOfLongDocuments uploads four documents of the largest size at once, of many words each.
func TestMemoryOfLongDocuments(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the memory of a process is read from /proc")
	}
	// The test's own binary may have the race detector in it, which takes several times the memory.
	program := filepath.Join(t.TempDir(), "ragserver")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	manifest := write(t, "m.yaml", strings.Replace(smallest, "spec: {", "spec: {auth: {mode: Anonymous}, ", 1))
	server := exec.CommandContext(t.Context(), program, "--manifest", manifest,
		"--data-dir", t.TempDir(), "--loopback-admin", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	server.Env = append(os.Environ(), "GOMEMLIMIT=", "GOGC=")
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}()
	log := bufio.NewScanner(stdout)
	url := "http://" + awaitEvent(t, log, "server_started").Listen + "/api/v1/documents"
	go func() { _, _ = io.Copy(io.Discard, stdout) }() // so that the server can write on
	var uploads sync.WaitGroup
	for n := range uint64(4) {
		uploads.Go(func() {
			if err := uploadWords(t.Context(), url, n); err != nil {
				t.Error(err)
			}
		})
	}
	uploads.Wait()
	if most := highWater(t, server.Process.Pid); most > mostMemory {
		t.Errorf("the server took %d MiB, want at most %d", most>>10, mostMemory>>10)
	}
}

// uploadWords uploads a document of the largest size, again while the server has no time for it.
func uploadWords(ctx context.Context, url string, n uint64) error {
	random := rand.New(rand.NewPCG(n, n)) // the same words each time
	var text strings.Builder
	for text.Len() < rag.MaxDocumentText-16 {
		fmt.Fprintf(&text, "word%x ", random.IntN(20_000))
	}
	body, err := json.Marshal(map[string]string{"id": fmt.Sprint(n), "text": text.String()})
	if err != nil {
		return err
	}
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		told, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		switch answer.StatusCode {
		case http.StatusOK:
			return nil
		case http.StatusServiceUnavailable:
		default:
			return fmt.Errorf("%s: %s", answer.Status, told)
		}
	}
}

// highWater is the most memory that a process has had in it, in KiB.
func highWater(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var most int
	if _, err := fmt.Sscan(rest, &most); err != nil {
		t.Fatal(err)
	}
	return most
}
