package resilience_test

import (
	"bytes"
	"context"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/proc"
)

// several calls each command on keys of several nodes, in one pipeline.
func several(ctx context.Context, r *resilience.Redis) error {
	return r.Do(ctx, "set", func(ctx context.Context, c redis.UniversalClient) error {
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range 20 {
				p.Set(ctx, strconv.Itoa(i), "v", time.Minute)
			}
			for i := range 20 {
				p.Unlink(ctx, strconv.Itoa(i))
			}
			return nil
		})
		return err
	})
}

// TestSlotsMoveUnderCalls moves the slot of a key and back while it is read, written and counted in a script: no call fails, and none is
// lost or made twice.
func TestSlotsMoveUnderCalls(t *testing.T) {
	t.Parallel()
	b := backends.NewRedisCluster(t, false)
	r, told := guard(t, resilience.RedisOptions{Cluster: b.Addresses()[:1], Key: "{tag}", Timeout: patience})
	until(t, "pipelines over several nodes", func() bool { return several(t.Context(), r) == nil })
	count := redis.NewScript(`return redis.call('INCR', KEYS[1])`)
	slot := b.Slot("{tag}")
	home := b.Owner(slot)
	away := b.Primaries[0]
	if away == home {
		away = b.Primaries[1]
	}
	var made atomic.Int64
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			err := r.Do(t.Context(), "count", func(ctx context.Context, c redis.UniversalClient) error {
				return count.Run(ctx, c, []string{"{tag}:n"}).Err()
			})
			if err == nil {
				made.Add(1)
				err = several(t.Context(), r)
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	moves := 0
	for _, to := range []*backends.RedisServer{away, home, away} {
		before := made.Load()
		until(t, "calls", func() bool { return made.Load() > before+10 || len(done) > 0 })
		b.Move(slot, to, 10*time.Millisecond)
		moves++
	}
	before := made.Load()
	until(t, "calls after the moves", func() bool { return made.Load() > before+10 || len(done) > 0 })
	close(stop)
	if err := <-done; err != nil {
		t.Fatalf("a call failed: %v", err)
	}
	if said, err := away.Ask("get", "{tag}:n"); err != nil || said != strconv.FormatInt(made.Load(), 10) {
		t.Errorf("%d calls were made, and counted %q %v", made.Load(), said, err)
	}
	if told.count(resilience.OutcomeOK) == 0 {
		t.Error("no call is told")
	}
	t.Logf("%d calls over %d moves", made.Load(), moves)
}

// TestClusterFailover kills the primary of the slot that stands for the cluster.
func TestClusterFailover(t *testing.T) {
	t.Parallel()
	b := backends.NewRedisCluster(t, true)
	r, told := guard(t, resilience.RedisOptions{Cluster: b.Addresses(), Key: "k"})
	until(t, "up", hasHealth(r, resilience.HealthUp))
	until(t, "a write", func() bool { return set(t.Context(), r) == nil })
	b.Owner(b.Slot("k")).Kill()
	killed := time.Now()
	until(t, "down", func() bool { return set(t.Context(), r) != nil && r.Health() == resilience.HealthDown })
	until(t, "up again", func() bool { return set(t.Context(), r) == nil })
	if told.count(resilience.OutcomeUnreachable)+told.count(resilience.OutcomeTimeout) == 0 {
		t.Error("no call was told as lost")
	}
	t.Logf("used again %v after the primary was killed", time.Since(killed).Round(time.Millisecond))
}

// TestAClusterThatIsDownCountsAsDown has a node left that answers PING.
func TestAClusterThatIsDownCountsAsDown(t *testing.T) {
	t.Parallel()
	b := backends.NewRedisCluster(t, false)
	r, told := guard(t, resilience.RedisOptions{Cluster: b.Addresses(), Key: "k", Timeout: patience})
	until(t, "up", hasHealth(r, resilience.HealthUp))
	owner := b.Owner(b.Slot("k"))
	for _, node := range b.Primaries {
		if node != owner {
			node.Kill()
		}
	}
	until(t, "down", hasHealth(r, resilience.HealthDown))
	if got := told.lastDown(); got != resilience.OutcomeUnready {
		t.Errorf("why it is down: %q, want %q", got, resilience.OutcomeUnready)
	}
}

// TestNothingIsSentTwiceToACluster cuts the connection when a node has run a command and before it can say so: go-redis would repeat it.
func TestNothingIsSentTwiceToACluster(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(context.Context, redis.UniversalClient) error{
		"a command": func(ctx context.Context, c redis.UniversalClient) error { return c.Incr(ctx, "n").Err() },
		"a script": func(ctx context.Context, c redis.UniversalClient) error {
			return c.Eval(ctx, `return redis.call('INCR', KEYS[1])`, []string{"n"}).Err()
		},
		"a pipeline": func(ctx context.Context, c redis.UniversalClient) error {
			_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
				p.Incr(ctx, "n")
				p.Incr(ctx, "m")
				return nil
			})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bus, err := proc.FreePort()
			if err != nil {
				t.Fatal(err)
			}
			node := backends.Redis(t, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus))
			address := severed(t, node.Addr(), "incr")
			_, port, _ := net.SplitHostPort(address)
			for _, command := range [][]string{
				{"cluster", "addslotsrange", "0", "16383"},
				{"config", "set", "cluster-announce-ip", "127.0.0.1"},
				{"config", "set", "cluster-announce-port", port},
			} {
				if _, err := node.Ask(command...); err != nil {
					t.Fatal(err)
				}
			}
			r, told := guard(t, resilience.RedisOptions{Cluster: []string{address}, Key: "k", Timeout: patience})
			until(t, "up", hasHealth(r, resilience.HealthUp))
			const calls = 3
			for range calls {
				if err := r.Do(t.Context(), "count", call); err == nil {
					t.Fatal("the connection was not cut")
				}
			}
			if said, err := node.Ask("get", "n"); err != nil || said != strconv.Itoa(calls) {
				t.Errorf("%d calls ran %q times %v", calls, said, err)
			}
			if got := told.count(resilience.OutcomeUnreachable); got != calls {
				t.Errorf("%d calls told as unreachable, want %d", got, calls)
			}
		})
	}
}

// severed is the address of a proxy that ends a connection in place of the answer to a request with a word in it.
func severed(t *testing.T, address, word string) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	carry := func(client net.Conn) {
		defer func() { _ = client.Close() }()
		server, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			return
		}
		defer func() { _ = server.Close() }()
		request, reply := make([]byte, 64<<10), make([]byte, 64<<10)
		for { // one request, one answer
			n, err := client.Read(request)
			if err != nil {
				return
			}
			if _, err := server.Write(request[:n]); err != nil {
				return
			}
			m, err := server.Read(reply)
			if err != nil || bytes.Contains(bytes.ToLower(request[:n]), []byte(word)) {
				return
			}
			if _, err := client.Write(reply[:m]); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go carry(client)
		}
	}()
	return listener.Addr().String()
}

// TestStrangersInAClusterAreSentNothing has a node tell of an address that another program has.
func TestStrangersInAClusterAreSentNothing(t *testing.T) {
	t.Parallel()
	s := listenAs(t, "127.0.0.1:0", always("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
	host, port, err := net.SplitHostPort(s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	bus, err := proc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	node := backends.Redis(t, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus),
		"--cluster-announce-ip", host, "--cluster-announce-port", port)
	if _, err := node.Ask("cluster", "addslotsrange", "0", "16383"); err != nil {
		t.Fatal(err)
	}
	const key = "the-key-of-a-request"
	r, told := guard(t, resilience.RedisOptions{Cluster: []string{node.Addr()}, Key: key, Timeout: patience})
	until(t, "down", hasHealth(r, resilience.HealthDown))
	if got := told.lastDown(); got != resilience.OutcomeForeign {
		t.Errorf("why it is down: %q, want %q", got, resilience.OutcomeForeign)
	}
	if strings.Contains(s.text(), key) {
		t.Error("the stranger was sent a key")
	}
}
