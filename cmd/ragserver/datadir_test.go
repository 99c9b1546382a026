package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

var papers = config.Service{Namespace: "library", Name: "papers"}

// environment answers with the variables of a list.
func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestDefaultDataDir(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		environment map[string]string
		want        string
	}{
		"XDG_DATA_HOME":             {map[string]string{"XDG_DATA_HOME": "/data", "HOME": "/home/ada"}, "/data/ragservice/library/papers"},
		"HOME":                      {map[string]string{"HOME": "/home/ada"}, "/home/ada/.local/share/ragservice/library/papers"},
		"a relative path":           {map[string]string{"XDG_DATA_HOME": "data", "HOME": "/home/ada"}, "/home/ada/.local/share/ragservice/library/papers"},
		"a cache folder is no help": {map[string]string{"XDG_CACHE_HOME": "/cache"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := defaultDataDir(owner{Namespace: papers.Namespace, Name: papers.Name}, environment(test.environment))
			if got != test.want || (err != nil) != (test.want == "") {
				t.Errorf("%q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestDataDirIsMadeForItsOwner(t *testing.T) {
	t.Parallel()
	home := environment(map[string]string{"XDG_DATA_HOME": t.TempDir()})
	for range 2 { // made, and found again
		dir, err := openDataDir("", papers, home)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("mode of the data folder: %v, %v; want 700", info.Mode().Perm(), err)
		}
	}
}

func TestDataDirOfAnotherServiceIsRefused(t *testing.T) {
	t.Parallel()
	home := environment(map[string]string{"XDG_DATA_HOME": "/data"})
	dir := t.TempDir()
	if _, err := openDataDir(dir, papers, home); err != nil {
		t.Fatal(err)
	}
	for _, other := range []config.Service{{Namespace: "library", Name: "other"}, {Namespace: "other", Name: "papers"}} {
		_, err := openDataDir(dir, other, home)
		if err == nil {
			t.Fatalf("%s/%s was given the folder of library/papers", other.Namespace, other.Name)
		}
		for _, part := range []string{dir, "library/papers", other.Namespace + "/" + other.Name, "--data-dir", "/data/ragservice/" + other.Namespace} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not name %s", err, part)
			}
		}
	}
	if _, err := openDataDir(dir, papers, home); err != nil {
		t.Errorf("its owner was refused: %v", err)
	}
}

func TestDataDirThatCannotServeIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]func(dir string) error{
		"anybody may write": func(dir string) error { return os.Chmod(dir, 0o777) },
		"a file":            func(dir string) error { return os.WriteFile(filepath.Join(dir, ".."+"/file"), nil, 0o600) },
		"half an owner": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, ownerFileName), []byte(`{"name`), 0o600)
		},
	}
	for name, harm := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := harm(dir); err != nil {
				t.Fatal(err)
			}
			if name == "a file" {
				dir = filepath.Join(filepath.Dir(dir), "file")
			}
			if _, err := openDataDir(dir, papers, noEnvironment); err == nil || !strings.Contains(err.Error(), dir) {
				t.Errorf("%v, want an error that names the folder", err)
			}
		})
	}
	shared := t.TempDir()
	if err := os.Chmod(shared, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if _, err := openDataDir(shared, papers, noEnvironment); err != nil {
		t.Errorf("a folder with the sticky bit was refused: %v", err)
	}
}

// TestServicesShareNothing runs two manifests one after the other, as a user who tries things does.
func TestServicesShareNothing(t *testing.T) {
	home := t.TempDir()
	getenv := environment(map[string]string{"HOME": home})
	first := startWith(t, getenv, "--manifest", write(t, "a.yaml", smallest))
	firstDir := filepath.Join(home, ".local", "share", "ragservice", "default", "papers")
	admin := generatedKey(t, firstDir, "admin")
	if status, _, body := first.post(t, "/api/v1/documents", admin, `{"id":"kites","text":"The red kite eats carrion."}`); status != 200 {
		t.Fatalf("%d %v", status, body)
	}
	first.end(t)

	manifest := write(t, "b.yaml", strings.ReplaceAll(smallest, "papers", "notes"))
	second := startWith(t, getenv, "--manifest", manifest)
	client := generatedKey(t, filepath.Join(home, ".local", "share", "ragservice", "default", "notes"), "client")
	if _, _, body := second.post(t, "/api/v1/search", client, `{"query":"kite"}`); body["total"] != 0.0 {
		t.Errorf("the second service serves documents of the first: %v", body)
	}
	if status, _, _ := second.post(t, "/api/v1/search", admin, `{"query":"kite"}`); status != 401 {
		t.Errorf("the second service takes a key of the first: %d", status)
	}
	second.end(t)

	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--manifest", manifest, "--data-dir", firstDir}, getenv, &stdout, &stderr); code != 1 {
		t.Errorf("exit code %d for the folder of another service, want 1: %s", code, stderr.String())
	}
}

func TestKeysFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), keysFileName)
	made, err := ownKeys(file)
	if err != nil || len(made.Keys) != 2 {
		t.Fatalf("%d keys, %v", len(made.Keys), err)
	}
	if again, err := ownKeys(file); err != nil || !reflect.DeepEqual(again.Keys, made.Keys) {
		t.Errorf("the second start has other keys, %v", err)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := ownKeys(file); err == nil || !strings.Contains(err.Error(), "chmod 600 "+file) {
		t.Errorf("keys that others may read: %v, want an error with the fix", err)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"half a file": `{"admin": {"ke`, "an array": `["admin"]`, "null": `null`,
		"one name twice": `{"admin": {"key": "0123456789012345678901"}, "admin": {"key": "0123456789012345678902"}}`,
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if set, err := ownKeys(file); err == nil && set.Empty() == nil || err != nil && !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, want an error that names the file", name, err)
		}
	}
}

// TestFilesAreWrittenWholeOrNotAtAll runs on a file system with no room.
func TestFilesAreWrittenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	filler := filepath.Join(dir, "filler")
	_ = os.WriteFile(filler, bytes.Repeat([]byte("x"), 2<<20), 0o600) // until the disk is full
	file := filepath.Join(dir, keysFileName)
	if _, err := ownKeys(file); err == nil {
		t.Fatal("keys were written to a full disk")
	}
	if left, err := filepath.Glob(file + "*"); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if _, err := ownKeys(file); err != nil {
		t.Errorf("with room again: %v", err)
	}
	raw, err := os.ReadFile(file)
	if err != nil || !json.Valid(raw) {
		t.Errorf("%s, %v", raw, err)
	}
}

// smallDisk mounts a file system of 1 MiB for the test, and skips it where that is not permitted.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=1m", "none", dir).CombinedOutput(); err != nil {
		t.Skipf("needs root to mount a small file system: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	return dir
}
