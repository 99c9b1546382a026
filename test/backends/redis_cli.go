package backends

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/ragservice/ragservice-operator/test/proc"
)

// redisForms is how long a replica, sentinels or a cluster may take to find each other, and to put one in place of another: far longer
// than it takes, since other work may hold the machine.
const redisForms = 60 * time.Second

const askTimeout = 10 * time.Second

// Ask runs a command with redis-cli and answers what it prints: this package must not depend on the client that it is there to test.
func (r *RedisServer) Ask(command ...string) (string, error) {
	program, err := proc.FindProgram("redis-cli")
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(r.tb.Context(), askTimeout)
	defer cancel()
	args := append([]string{"-h", "127.0.0.1", "-p", strconv.Itoa(r.port), "-e"}, command...)
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	said := strings.TrimSpace(string(out))
	if err != nil {
		return "", fmt.Errorf("redis-cli %s: %w: %s", strings.Join(command, " "), err, said)
	}
	return said, nil
}

// ask is Ask where the command cannot fail.
func (r *RedisServer) ask(command ...string) string {
	r.tb.Helper()
	said, err := r.Ask(command...)
	if err != nil {
		r.tb.Fatal(err)
	}
	return said
}

// await waits until a server says something.
func (r *RedisServer) await(what string, command ...string) {
	r.tb.Helper()
	for deadline := time.Now().Add(redisForms); ; time.Sleep(20 * time.Millisecond) {
		said, err := r.Ask(command...)
		if err == nil && strings.Contains(strings.ReplaceAll(said, "\r", ""), what) {
			return
		}
		if time.Now().After(deadline) {
			r.tb.Fatalf("%s says nothing of %q within %v: %v %s", strings.Join(command, " "), what, redisForms, err, said)
		}
	}
}
