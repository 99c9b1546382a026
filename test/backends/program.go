package backends

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/proc"
)

const (
	// programStart is how long a program may take until it answers: seconds, unless the machine is busy.
	programStart = 3 * time.Minute
	programEnd   = 30 * time.Second
)

// Loopback is 127.0.0.1 and a port that nobody listened on a moment ago.
func Loopback(tb testing.TB) string {
	tb.Helper()
	return fmt.Sprintf("127.0.0.1:%d", freePort(tb))
}

// Tool is the path of a program that hack/deps/<name>.sh builds on first use, unless the variable of that name (PROMETHEUS) has it.
func Tool(tb testing.TB, name string) string {
	tb.Helper()
	if path := os.Getenv(strings.ToUpper(name)); path != "" {
		return path
	}
	return strings.TrimSpace(string(inRepository(tb, "hack/deps/"+name+".sh")))
}

// Build returns the path of a program of cmd/, built for the test.
func Build(tb testing.TB, name string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	inRepository(tb, "go", "build", "-o", path, "./cmd/"+name)
	return path
}

// inRepository is what a command prints that is run in the root of the repository.
func inRepository(tb testing.TB, command ...string) []byte {
	tb.Helper()
	module, err := proc.RepositoryFile("go.mod")
	if err != nil {
		tb.Fatal(err)
	}
	run := exec.CommandContext(tb.Context(), command[0], command[1:]...)
	run.Dir, run.Stderr = filepath.Dir(module), os.Stderr
	out, err := run.Output()
	if err != nil {
		tb.Fatalf("%s: %v", strings.Join(command, " "), err)
	}
	return out
}

// Run runs a program until the test ends, and returns when it answers at ready with 200. The end of its log is told when the test fails.
func Run(tb testing.TB, log, ready, program string, args ...string) *proc.Process {
	tb.Helper()
	p, err := proc.Start(log, program, args...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		p.End(syscall.SIGTERM, programEnd)
		if tb.Failed() {
			tb.Logf("%s ends with:\n%s", filepath.Base(program), p.LogTail())
		}
	})
	for deadline := time.Now().Add(programStart); !answers(ready); time.Sleep(50 * time.Millisecond) {
		if p.Ended() || time.Now().After(deadline) {
			tb.Fatalf("%s does not answer at %s: %s", filepath.Base(program), ready, p.LogTail())
		}
	}
	return p
}

func answers(url string) bool {
	response, err := http.Get(url) //nolint:noctx // of this machine
	if err != nil {
		return false
	}
	_ = response.Body.Close() // it is only looked at
	return response.StatusCode == http.StatusOK
}
