package resilience_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// stranger is a server that is not Redis and keeps what it was sent.
type stranger struct {
	listener net.Listener
	answer   func(request string) string
	mu       sync.Mutex
	received bytes.Buffer
	open     map[net.Conn]struct{}
}

// always answers everything alike.
func always(answer string) func(string) string { return func(string) string { return answer } }

// listenAs listens on the address, which must be free.
func listenAs(t *testing.T, address string, answer func(request string) string) *stranger {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &stranger{listener: listener, answer: answer, open: map[net.Conn]struct{}{}}
	t.Cleanup(s.leave)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.open[conn] = struct{}{}
			s.mu.Unlock()
			go s.serve(conn)
		}
	}()
	return s
}

func (s *stranger) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	for piece := make([]byte, 4096); ; {
		n, err := conn.Read(piece)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.received.Write(piece[:n])
		s.mu.Unlock()
		if _, err := conn.Write([]byte(s.answer(string(piece[:n])))); err != nil {
			return
		}
	}
}

// leave gives the address up. Connections that are open stay, as behind a proxy.
func (s *stranger) leave() { _ = s.listener.Close() }

func (s *stranger) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.received.String()
}

func TestWhatIsNotRedisIsSentNothing(t *testing.T) {
	t.Parallel()
	const password, key = "the-password", "the-key-of-a-request"
	tests := map[string]struct {
		answer string
		why    resilience.Outcome
	}{
		"a web server":            {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", resilience.OutcomeForeign},
		"mail":                    {"+OK\r\n", resilience.OutcomeForeign},
		"a server without HELLO":  {"-ERR unknown command\r\n", resilience.OutcomeForeign},
		"another server":          {"*2\r\n$6\r\nserver\r\n$5\r\nother\r\n", resilience.OutcomeForeign},
		"an empty list":           {"*0\r\n", resilience.OutcomeForeign},
		"a list without end":      {strings.Repeat("*1\r\n", 1000), resilience.OutcomeForeign},
		"a huge string":           {"$999999999\r\n", resilience.OutcomeForeign},
		"one line without end":    {strings.Repeat("+", 1<<17), resilience.OutcomeForeign},
		"more than was asked for": {"*2\r\n$6\r\nserver\r\n$5\r\nredis\r\n+OK\r\n", resilience.OutcomeForeign},
		"a redis without access":  {"-DENIED Redis is running in protected mode\r\n", resilience.OutcomeError},
		"a redis that is full":    {"-ERR max number of clients reached\r\n", resilience.OutcomeUnready},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := listenAs(t, "127.0.0.1:0", always(test.answer))
			r, told := guard(t, resilience.RedisOptions{Address: s.listener.Addr().String(), Password: password})
			until(t, "told", func() bool {
				err := r.Do(t.Context(), "get", func(ctx context.Context, c redis.UniversalClient) error {
					return c.Get(ctx, key).Err()
				})
				if err == nil || errors.Is(err, redis.Nil) {
					t.Fatal("the stranger was taken for redis")
				}
				return told.count(test.why) > 0
			})
			for _, secret := range []string{password, key, "AUTH", "auth"} {
				if strings.Contains(s.text(), secret) {
					t.Errorf("the stranger was sent %q", secret)
				}
			}
		})
	}
}

// TestNoDataBeforeHelloIsAnswered has a stranger that knows the word NOAUTH: it gets the password, and nothing else.
func TestNoDataBeforeHelloIsAnswered(t *testing.T) {
	t.Parallel()
	const key = "the-key-of-a-request"
	s := listenAs(t, "127.0.0.1:0", func(request string) string {
		switch request = strings.ToLower(request); {
		case strings.Contains(request, "hello") && strings.Contains(request, "auth"):
			return "-ERR unknown command\r\n"
		case strings.Contains(request, "hello"):
			return "-NOAUTH Authentication required.\r\n"
		default:
			return "+OK\r\n"
		}
	})
	r, _ := guard(t, resilience.RedisOptions{Address: s.listener.Addr().String(), Password: "p", Timeout: patience})
	until(t, "the password was sent, and refused", func() bool {
		err := r.Do(t.Context(), "get", func(ctx context.Context, c redis.UniversalClient) error { return c.Get(ctx, key).Err() })
		if err == nil {
			t.Fatal("the stranger was taken for redis")
		}
		return strings.Contains(s.text(), "auth")
	})
	if strings.Contains(s.text(), key) {
		t.Error("the stranger was sent a key")
	}
}

func TestRedisConnectionsHaveAGreatestAge(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	var opened atomic.Int64
	address := counted(t, server.Addr(), &opened)
	r, _ := guard(t, resilience.RedisOptions{Address: address, Timeout: patience, ConnectionLifetime: 20 * time.Millisecond})
	until(t, "more connections were opened than a pool holds", func() bool {
		if err := get(t.Context(), r); !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		return opened.Load() > 20
	})
}

// counted is the address of a proxy that counts connections.
func counted(t *testing.T, address string, opened *atomic.Int64) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			opened.Add(1)
			server, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
			go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
		}
	}()
	return listener.Addr().String()
}

// TestRedisIsUsedWhenAStrangerHasLeftItsAddress is the second before a Service's address is programmed.
func TestRedisIsUsedWhenAStrangerHasLeftItsAddress(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"without password": nil, "with password": {"--requirepass", "secret"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := backends.Redis(t, args...)
			server.Kill()
			s := listenAs(t, server.Addr(), always("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
			password := ""
			if args != nil {
				password = args[1]
			}
			r, told := guard(t, resilience.RedisOptions{Address: server.Addr(), Password: password})
			until(t, "down", hasHealth(r, resilience.HealthDown))
			if got := told.lastDown(); got != resilience.OutcomeForeign {
				t.Errorf("why it is down: %q, want %q", got, resilience.OutcomeForeign)
			}
			if got := r.Fault(); got != resilience.OutcomeForeign {
				t.Errorf("fault while it is down: %q, want %q", got, resilience.OutcomeForeign)
			}
			s.leave()
			server.Restart()
			until(t, "up", hasHealth(r, resilience.HealthUp))
			if got := r.Fault(); got != "" {
				t.Errorf("fault while it is up: %q", got)
			}
			until(t, "answers", func() bool { return errors.Is(get(t.Context(), r), redis.Nil) })
		})
	}
}
