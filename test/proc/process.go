// Package proc runs the programs that tests need, so that none of them outlives the test process.
package proc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a running program with its output in a file.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when the program has ended and was waited for
}

// Start runs a program, which ends with this process, with its output appended to the file log.
func Start(log, program string, args ...string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the program has its own copy

	cmd := exec.CommandContext(context.Background(), program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = endsWithParent()
	if err := OnLastingThread(cmd.Start); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(p.done)
	}()
	return p, nil
}

// PID is the program's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended says whether the program has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Signal sends sig.
func (p *Process) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// End sends sig and waits; a program that is still there after grace is killed.
func (p *Process) End(sig syscall.Signal, grace time.Duration) {
	_ = p.cmd.Process.Signal(sig) // fails only when it has ended already
	select {
	case <-p.done:
	case <-time.After(grace):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// LogTail is the end of what the program wrote, for failure messages.
func (p *Process) LogTail() string {
	const most = 2000
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

// The kernel sends the parent-death signal when the starting *thread* ends. Go ends a thread only when a goroutine that is
// locked to it returns, so the starter's goroutine is locked and never returns.
var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		lockThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// OnLastingThread runs start, which starts programs that shall end with this process, and returns its error.
func OnLastingThread(start func() error) error {
	result := make(chan error, 1)
	starter() <- func() { result <- start() }
	return <-result
}

// FreePort names a loopback port that nobody listened on a moment ago. Another process may take it before its user
// does, so callers try again with another one.
func FreePort() (int, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("the listener has no TCP address")
	}
	return address.Port, listener.Close()
}

// CacheDir is where the scripts of hack/deps keep what they prepare; hack/lib/cache.sh computes the same folder.
func CacheDir() (string, error) {
	if dir := os.Getenv("RAGSERVICE_CACHE"); dir != "" {
		return dir, nil
	}
	base := os.Getenv("XDG_CACHE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		base = filepath.Join(home, ".cache")
	}
	return filepath.Join(base, "ragservice"), nil
}

// FindProgram looks in the cache, then on PATH.
func FindProgram(name string) (string, error) {
	if cache, err := CacheDir(); err == nil {
		if path := filepath.Join(cache, "ready", name); IsProgram(path) {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", Missing(name)
	}
	return path, nil
}

// IsProgram says whether path can be run.
func IsProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// Missing is the error of a test that lacks a program.
func Missing(what string) error {
	return fmt.Errorf("%s is missing: run `make deps` once", what)
}

// RepositoryFile finds a file of this repository from a test's working directory, which is its package's folder.
func RepositoryFile(elements ...string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		path := filepath.Join(append([]string{dir}, elements...)...)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("%s is in no folder above the test", strings.Join(elements, "/"))
		}
		dir = parent
	}
}
