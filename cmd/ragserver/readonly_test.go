package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// readOnly makes a folder read-only under whoever uses it, until the function it returns is called. It is a mount of the
// folder over itself: the kernel refuses to make a file system read-only while a file of it is open for writing, unless the
// disk fails, and from that there is no way back.
func readOnly(t *testing.T, dir string) (writable func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount")
	}
	mount := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	mount("mount", "--bind", dir, dir)
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() }) // fails when the test has done it
	// The kernel refuses it while a file is being written through the new mount, as a segment is behind an upload.
	await(t, "the mount becomes read-only", func() bool {
		return exec.CommandContext(t.Context(), "mount", "-o", "remount,bind,ro", dir).Run() == nil
	})
	return func() {
		t.Helper()
		mount("umount", "-l", dir)
	}
}

// On a disk that has become read-only reads go on, and writes are refused until it is writable again.
func TestReadOnlyDisk(t *testing.T) {
	dir := t.TempDir()
	r := startAlone(t, write(t, "m.yaml", smallest), dir)
	admin := generatedKey(t, dir, "admin")
	upload := func(id, wantCode string) {
		t.Helper()
		status, _, body := r.post(t, "/api/v1/documents", admin, `{"id":"`+id+`","text":"The red kite `+id+` eats carrion."}`)
		encoded, err := json.Marshal(body["results"])
		if err != nil {
			t.Fatal(err)
		}
		var results []struct{ Error struct{ Code string } }
		if err := json.Unmarshal(encoded, &results); err != nil || len(results) != 1 {
			t.Fatalf("an upload gave %d %v, %v", status, body, err)
		}
		if got := results[0].Error.Code; got != wantCode {
			t.Errorf("an upload gave %d %v, want code %q", status, body, wantCode)
		}
	}
	wantFound := func(word string, total float64) {
		t.Helper()
		if status, _, body := r.post(t, "/api/v1/search", admin, `{"query":"`+word+`"}`); status != http.StatusOK || body["total"] != total {
			t.Errorf("a search for %s gave %d %v, want %v", word, status, body, total)
		}
	}
	upload("first", "")
	upload("other", "")

	writable := readOnly(t, filepath.Join(dir, "documents"))
	for _, id := range []string{"second", "third"} {
		upload(id, "search_unavailable")
		wantFound("first", 1)
		if status := r.document(t, http.MethodGet, "first", admin); status != http.StatusOK {
			t.Errorf("GET gave %d, want the document", status)
		}
	}
	if status := r.document(t, http.MethodDelete, "other", admin); status != http.StatusServiceUnavailable {
		t.Errorf("a deletion gave %d, want 503", status)
	}
	if status := r.get(t, r.admin+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("readyz: %d, want 503", status)
	}

	writable()
	await(t, "readiness", func() bool { return r.get(t, r.admin+"/readyz") == http.StatusOK })
	upload("fourth", "")
	wantFound("first", 1)
	wantFound("fourth", 1)
	r.end(t)
	log := r.output.String()
	if failed, restored := strings.Count(log, `"disk_failed"`), strings.Count(log, `"disk_recovered"`); failed != 1 || restored != 1 {
		t.Errorf("disk_failed is told %d times, disk_recovered %d times; want each once: %s", failed, restored, log)
	}
	r = startAlone(t, write(t, "m.yaml", smallest), dir)
	wantFound("first", 1)
	wantFound("fourth", 1)
	r.end(t)
}

// document sends a request for a document and returns its status.
func (r *running) document(t *testing.T, method, id, key string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.url+"/api/v1/documents/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode
}
