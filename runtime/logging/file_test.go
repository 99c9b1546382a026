package logging

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const plenty = 1 << 30

// folder is what the files of a folder hold, by their name.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(content)
	}
	return files
}

func mustWrite(t *testing.T, r *rotation, lines string) {
	t.Helper()
	if n, err := r.write([]byte(lines)); err != nil || n != len(lines) {
		t.Fatalf("wrote %d bytes of %q: %v", n, lines, err)
	}
}

// TestFilesRotateDaily over ten days, in one of which the server starts anew, and on one of which it writes nothing.
func TestFilesRotateDaily(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	midnight := time.Date(2001, 11, 20, 0, 0, 0, 0, time.UTC) // long ago: a file that was written just now seems to be of a day to come
	now := midnight
	newRotation := func() *rotation { return &rotation{dir: dir, max: plenty, now: func() time.Time { return now }} }
	r := newRotation()
	for d := range 11 {
		if d == 4 {
			continue
		}
		now = midnight.AddDate(0, 0, d)
		mustWrite(t, r, fmt.Sprintf("first of %d\n", d))
		now = now.Add(24*time.Hour - time.Second)
		if d == 7 {
			r.close()
			r = newRotation()
		}
		mustWrite(t, r, fmt.Sprintf("last of %d\n", d))
		if err := os.Chtimes(filepath.Join(dir, FileName), now, now); err != nil { // by the test's clock: the next one finds yesterday's
			t.Fatal(err)
		}
		if d == 8 {
			r.close()
			r = newRotation() // starts on the next day
		}
	}
	want := map[string]string{}
	for name, d := range map[string]int{"": 10, ".1": 9, ".2": 8, ".3": 7, ".4": 6, ".5": 5, ".6": 3, ".7": 2} {
		want[FileName+name] = fmt.Sprintf("first of %d\nlast of %d\n", d, d)
	}
	if diff := cmp.Diff(want, folder(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestFilesAreBounded: the oldest go first, and today's stops at half.
func TestFilesAreBounded(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	r := &rotation{dir: dir, max: 100, now: func() time.Time { return now }}
	line := func(c string) string { return strings.Repeat(c, 39) + "\n" }
	for _, c := range []string{"a", "b", "c"} {
		mustWrite(t, r, line(c))
		now = now.Add(24 * time.Hour)
	}
	mustWrite(t, r, line("d"))
	if diff := cmp.Diff(map[string]string{FileName: line("d"), FileName + ".1": line("c")}, folder(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for _, lines := range []string{line("e"), "f\n"} { // not f either, or the file would have holes
		if n, err := r.write([]byte(lines)); err == nil || n != 0 {
			t.Errorf("%q was written beyond half: %d, %v", lines, n, err)
		}
	}
	now = now.Add(24 * time.Hour)
	mustWrite(t, r, "g\n")
}

// smallDisk mounts a file system of 1 MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=1m", "none", dir).CombinedOutput(); err != nil {
		t.Skipf("needs root to mount a small file system: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() }) // the context of the test has ended
	return dir
}

// TestFileOnAFullDisk: what does not fit is told and counted, the file has whole lines, and goes on when there is room.
func TestFileOnAFullDisk(t *testing.T) {
	dir := smallDisk(t)
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 500<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	file := NewFile(dir, plenty)
	changes := make(chan error, 100)
	file.Start(func(why error) { changes <- why })
	var stdout bytes.Buffer
	log := New(io.MultiWriter(file, &stdout))
	told := 0
	write := func() {
		log.Write(t.Context(), note{event: "e", text: strings.Repeat("x", 1000), level: LevelInfo})
		told++
	}
	await := func(what string, matches func(error) bool) {
		t.Helper()
		for deadline := time.After(time.Minute); ; {
			write()
			select {
			case why := <-changes:
				if !matches(why) {
					t.Fatalf("%s: %v", what, why)
				}
				return
			case <-deadline:
				t.Fatal("it is not told: " + what)
			case <-time.After(time.Millisecond):
			}
		}
	}
	await("the disk is full", func(err error) bool { return errors.Is(err, syscall.ENOSPC) })
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	await("there is room again", func(err error) bool { return err == nil })
	file.Close(time.Minute)
	if n := len(lines(t, stdout.String())); n != told {
		t.Errorf("standard output has %d of %d lines", n, told)
	}
	kept := len(lines(t, folder(t, dir)[FileName])) // each is whole, or this fails
	if lost := int(file.Lost()); lost == 0 || kept+lost != told {
		t.Errorf("%d lines kept and %d lost are not the %d told", kept, lost, told)
	}
}

// TestFileOnADiskThatHangs: app.log is a pipe that nobody reads, so opening it takes for ever. Nobody waits for it.
func TestFileOnADiskThatHangs(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, FileName), 0o600); err != nil {
		t.Fatal(err)
	}
	file := NewFile(dir, plenty)
	var failed atomic.Bool
	file.Start(func(why error) { failed.Store(why != nil) })
	var stdout bytes.Buffer
	log := New(io.MultiWriter(file, &stdout))
	const told = 2 * maxPending / 1000
	for range told {
		log.Write(t.Context(), note{event: "e", text: strings.Repeat("x", 1000), level: LevelInfo})
	}
	if n := strings.Count(stdout.String(), "\n"); n != told {
		t.Errorf("standard output has %d of %d lines", n, told)
	}
	if lost := file.Lost(); lost < told/3 || lost >= told {
		t.Errorf("%d of %d lines are lost", lost, told)
	}
	file.Close(time.Millisecond) // gives up
	reader, err := os.Open(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	file.Close(time.Minute)
	if !failed.Load() {
		t.Error("it was not told that lines are lost")
	}
}
