package backends

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/proc"
)

const (
	redisStart = 10 * time.Second
	redisGrace = 10 * time.Second // for a last write to disk on Stop
)

// RedisServer is a redis-server of one test. Its methods fail that test when they cannot do what they say, and are for the
// test's own goroutine.
type RedisServer struct {
	tb      testing.TB
	program string
	config  string // a file of settings; empty for none
	args    []string
	dir     string
	port    int
	running *proc.Process
}

// Redis starts a redis-server on a free loopback port, with its files in a folder of its own and without persistence.
// args are further command line options of redis-server and win over the defaults: "--requirepass", "secret". It is gone
// when the test ends.
func Redis(tb testing.TB, args ...string) *RedisServer {
	tb.Helper()
	r := newRedis(tb, args...)
	r.startAnywhere(func() {})
	return r
}

func newRedis(tb testing.TB, args ...string) *RedisServer {
	tb.Helper()
	program, err := proc.FindProgram("redis-server")
	if err != nil {
		tb.Fatal(err)
	}
	return &RedisServer{tb: tb, program: program, args: args, dir: tb.TempDir()}
}

// startAnywhere starts the server on a free port, which prepare may need to know.
func (r *RedisServer) startAnywhere(prepare func()) {
	tb := r.tb
	tb.Helper()
	const attempts = 3 // another process may take the port first
	for i := range attempts {
		r.port = freePort(tb)
		prepare()
		err := r.start()
		if err == nil {
			break
		}
		if i == attempts-1 {
			tb.Fatal(err)
		}
	}
	tb.Cleanup(r.Kill)
}

func freePort(tb testing.TB) int {
	tb.Helper()
	port, err := proc.FreePort()
	if err != nil {
		tb.Fatal(err)
	}
	return port
}

// Addr is host:port. It stays the same over Stop and Restart.
func (r *RedisServer) Addr() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port))
}

// Dir is where the server keeps its files.
func (r *RedisServer) Dir() string { return r.dir }

// Stop ends the server as an operator would: it may save first. Stopping a stopped server does nothing.
func (r *RedisServer) Stop() { r.end(syscall.SIGTERM) }

// Kill ends the server at once, as a crash would.
func (r *RedisServer) Kill() { r.end(syscall.SIGKILL) }

// Restart stops the server if it runs and starts it again on the same port with the same files: what it had in memory
// is lost, unless args configured persistence.
func (r *RedisServer) Restart() {
	r.tb.Helper()
	r.Stop()
	if err := r.start(); err != nil {
		r.tb.Fatal(err)
	}
}

// Pause freezes the server: connections stay open, and nothing is answered.
func (r *RedisServer) Pause() { r.signal(syscall.SIGSTOP) }

// Resume ends a Pause; the server answers what it was sent meanwhile.
func (r *RedisServer) Resume() { r.signal(syscall.SIGCONT) }

func (r *RedisServer) signal(sig syscall.Signal) {
	r.tb.Helper()
	if r.running == nil {
		r.tb.Fatalf("redis-server does not run: cannot send it %v", sig)
	}
	if err := r.running.Signal(sig); err != nil {
		r.tb.Fatalf("sending %v to redis-server: %v", sig, err)
	}
}

func (r *RedisServer) end(sig syscall.Signal) {
	if r.running == nil {
		return
	}
	_ = r.running.Signal(syscall.SIGCONT) // a paused server would not see SIGTERM
	r.running.End(sig, redisGrace)
	r.running = nil
}

func (r *RedisServer) start() error {
	var args []string
	if r.config != "" {
		args = append(args, r.config)
	}
	args = append(args,
		"--bind", "127.0.0.1", "--port", strconv.Itoa(r.port), "--dir", r.dir,
		"--save", "", "--appendonly", "no", "--daemonize", "no",
	)
	args = append(args, r.args...)
	p, err := proc.Start(filepath.Join(r.dir, "redis.log"), r.program, args...)
	if err != nil {
		return fmt.Errorf("starting redis-server: %w", err)
	}
	for deadline := time.Now().Add(redisStart); ; time.Sleep(5 * time.Millisecond) {
		if p.Ended() {
			return fmt.Errorf("redis-server ended: %s", p.LogTail())
		}
		err := r.ping()
		if err == nil {
			r.running = p
			return nil
		}
		if time.Now().After(deadline) {
			p.End(syscall.SIGKILL, 0)
			return fmt.Errorf("redis-server did not answer within %v: %w: %s", redisStart, err, p.LogTail())
		}
	}
}

// ping speaks the protocol by hand: this package must not depend on the client that it is there to test.
func (r *RedisServer) ping() error {
	conn, err := (&net.Dialer{Timeout: time.Second}).Dial("tcp", r.Addr())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	switch {
	case err != nil:
		return err
	case strings.HasPrefix(answer, "+PONG"), strings.HasPrefix(answer, "-NOAUTH"):
		return nil
	default: // -LOADING while it reads its files
		return errors.New(strings.TrimSpace(answer))
	}
}
