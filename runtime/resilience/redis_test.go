package resilience_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// patience is how long a test waits for an event: far longer than it takes, since other work may hold the machine.
const patience = 30 * time.Second

// recorder keeps what a guard tells.
type recorder struct {
	mu    sync.Mutex
	calls map[resilience.Outcome]int
	downs []resilience.Outcome
}

func (r *recorder) onCall(_ string, outcome resilience.Outcome, _ time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls == nil {
		r.calls = map[resilience.Outcome]int{}
	}
	r.calls[outcome]++
}

func (r *recorder) onHealth(health resilience.Health, why resilience.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if health == resilience.HealthDown {
		r.downs = append(r.downs, why)
	}
}

func (r *recorder) count(outcome resilience.Outcome) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[outcome]
}

func (r *recorder) lastDown() resilience.Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.downs) == 0 {
		return ""
	}
	return r.downs[len(r.downs)-1]
}

func guard(t *testing.T, o resilience.RedisOptions) (*resilience.Redis, *recorder) {
	t.Helper()
	told := &recorder{}
	o.OnCall, o.OnHealth = told.onCall, told.onHealth
	r := resilience.NewRedis(o)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, told
}

func get(ctx context.Context, r *resilience.Redis) error {
	return r.Do(ctx, "get", func(ctx context.Context, c redis.UniversalClient) error {
		return c.Get(ctx, "k").Err()
	})
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

func hasHealth(r *resilience.Redis, want resilience.Health) func() bool {
	return func() bool { return r.Health() == want }
}

func TestRedisOutages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		harm, mend func(*backends.RedisServer)
		why        resilience.Outcome
	}{
		"killed": {(*backends.RedisServer).Kill, (*backends.RedisServer).Restart, resilience.OutcomeUnreachable},
		"paused": {(*backends.RedisServer).Pause, (*backends.RedisServer).Resume, resilience.OutcomeTimeout},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := backends.Redis(t)
			r, told := guard(t, resilience.RedisOptions{Address: server.Addr()})
			until(t, "up", hasHealth(r, resilience.HealthUp))
			if err := get(t.Context(), r); !errors.Is(err, redis.Nil) {
				t.Fatalf("get of a missing key: %v, want redis.Nil", err)
			}
			test.harm(server)
			until(t, "down", func() bool { return get(t.Context(), r) != nil && r.Health() == resilience.HealthDown })
			if err := get(t.Context(), r); !errors.Is(err, resilience.ErrOpen) {
				t.Errorf("a call while redis is down: %v, want ErrOpen", err)
			}
			if got := told.lastDown(); got != test.why {
				t.Errorf("why it is down: %q, want %q", got, test.why)
			}
			test.mend(server)
			until(t, "up again", hasHealth(r, resilience.HealthUp))
			until(t, "answers again", func() bool { return errors.Is(get(t.Context(), r), redis.Nil) })
		})
	}
}

func TestRedisIsNotNeededToStart(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	server.Kill()
	r, _ := guard(t, resilience.RedisOptions{Address: server.Addr()})
	until(t, "down", hasHealth(r, resilience.HealthDown))
	server.Restart()
	until(t, "up", hasHealth(r, resilience.HealthUp))
}

func TestRedisTellsAWrongPassword(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t, "--requirepass", "right")
	for name, password := range map[string]string{"none": "", "wrong": "guess"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, told := guard(t, resilience.RedisOptions{Address: server.Addr(), Password: password, Timeout: patience})
			until(t, "down", hasHealth(r, resilience.HealthDown))
			if got := told.lastDown(); got != resilience.OutcomeAuth {
				t.Errorf("why it is down: %q, want %q", got, resilience.OutcomeAuth)
			}
		})
	}
}

func TestRedisOutOfMemoryStaysUp(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t, "--maxmemory", "1", "--maxmemory-policy", "noeviction")
	r, told := guard(t, resilience.RedisOptions{Address: server.Addr(), Timeout: patience})
	for range 10 {
		err := r.Do(t.Context(), "set", func(ctx context.Context, c redis.UniversalClient) error {
			return c.Set(ctx, "k", "v", 0).Err()
		})
		if !redis.IsOOMError(err) {
			t.Fatalf("set: %v, want -OOM", err)
		}
	}
	if err := get(t.Context(), r); !errors.Is(err, redis.Nil) {
		t.Errorf("a read: %v, want an answer", err)
	}
	if got := told.count(resilience.OutcomeOOM); got != 10 {
		t.Errorf("calls told as %q: %d, want 10", resilience.OutcomeOOM, got)
	}
}

// TestRedisThatIsTooSlowStaysDown puts a delay before each answer: pings get through, but requests could not wait so long.
func TestRedisThatIsTooSlowStaysDown(t *testing.T) {
	t.Parallel()
	var delay atomic.Int64
	delay.Store(int64(2 * resilience.RedisBudget))
	r, told := guard(t, resilience.RedisOptions{Address: slowed(t, backends.Redis(t).Addr(), &delay)})
	until(t, "down", func() bool { return get(t.Context(), r) != nil && r.Health() == resilience.HealthDown })
	late := told.count(resilience.OutcomeTimeout)
	until(t, "pings are answered, but late", func() bool { return told.count(resilience.OutcomeTimeout) >= late+2 })
	if got := r.Health(); got != resilience.HealthDown {
		t.Errorf("redis is %s while it is too slow", got)
	}
	delay.Store(0)
	until(t, "up", hasHealth(r, resilience.HealthUp))
}

// slowed is the address of a proxy that holds each piece of an answer back.
func slowed(t *testing.T, address string, delay *atomic.Int64) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	serve := func(client net.Conn) {
		defer func() { _ = client.Close() }()
		server, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(server, client)
			_ = server.Close()
		}()
		for piece := make([]byte, 4096); ; {
			n, err := server.Read(piece)
			if err != nil {
				return
			}
			time.Sleep(time.Duration(delay.Load()))
			if _, err := client.Write(piece[:n]); err != nil {
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
			go serve(client)
		}
	}()
	return listener.Addr().String()
}

func TestRedisBudgetIsSharedByTheCallsOfARequest(t *testing.T) {
	t.Parallel()
	// Two instances that accept connections and never answer.
	cache, _ := guard(t, resilience.RedisOptions{Address: silent(t), Timeout: patience})
	state, _ := guard(t, resilience.RedisOptions{Address: silent(t), Timeout: patience})
	ctx := resilience.WithRedisBudget(t.Context())
	if err := get(ctx, state); !os.IsTimeout(err) {
		t.Errorf("the first call: %v, want it to end with the budget", err)
	}
	if err := get(ctx, cache); !errors.Is(err, resilience.ErrRedisSpent) {
		t.Errorf("the second call: %v, want ErrRedisSpent", err)
	}
}

func TestWaitForAnothersCallTakesFromTheBudget(t *testing.T) {
	t.Parallel()
	r, _ := guard(t, resilience.RedisOptions{Address: silent(t), Timeout: patience})
	ctx := resilience.WithRedisBudget(t.Context())
	done := make(chan struct{})
	close(done)
	if !resilience.WaitWithinRedisBudget(ctx, done) {
		t.Error("the budget was gone before a call that had ended")
	}
	if err := get(resilience.CopyRedisBudget(ctx), r); !os.IsTimeout(err) {
		t.Errorf("a call with a copy of the budget: %v, want it to end with that", err)
	}
	for range 2 { // the copy took nothing from it; then it is gone
		if resilience.WaitWithinRedisBudget(ctx, make(chan struct{})) {
			t.Error("the wait for a call that hangs did not end with the budget")
		}
	}
	if err := get(ctx, r); !errors.Is(err, resilience.ErrRedisSpent) {
		t.Errorf("the request's own call: %v, want ErrRedisSpent", err)
	}
	left, leave := context.WithCancel(resilience.WithRedisBudget(t.Context()))
	leave()
	if !resilience.WaitWithinRedisBudget(left, make(chan struct{})) {
		t.Error("the end of the request was taken for the end of its budget")
	}
}

func TestRedisCallersWhoLeaveDoNotOpenTheBreaker(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	r, told := guard(t, resilience.RedisOptions{Address: server.Addr()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 {
		if err := get(ctx, r); !errors.Is(err, context.Canceled) {
			t.Fatalf("a call whose caller left: %v", err)
		}
	}
	if got := told.count(resilience.OutcomeCanceled); got != 10 {
		t.Errorf("calls told as %q: %d, want 10", resilience.OutcomeCanceled, got)
	}
	until(t, "up", hasHealth(r, resilience.HealthUp))
}
