package resilience_test

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// oddError is an answer of Redis to one command, as one about a key of another type is.
type oddError struct{}

func (oddError) Error() string { return "an odd number" }
func (oddError) RedisError()   {}

// TestBatchTakesWhatComesDuringACall holds the first call up until others have come: they are made together, and each
// gets the error of its own call.
func TestBatchTakesWhatComesDuringACall(t *testing.T) {
	t.Parallel()
	r, told := guard(t, resilience.RedisOptions{Address: backends.Redis(t).Addr(), Timeout: patience})
	const others = 250
	var mu sync.Mutex
	var sizes []int
	release := make(chan struct{})
	batch := resilience.NewRedisBatch(r, "count", func(ctx context.Context, client redis.UniversalClient, calls []int) []error {
		mu.Lock()
		sizes = append(sizes, len(calls))
		mu.Unlock()
		<-release
		errs := make([]error, len(calls))
		for i, n := range calls {
			if errs[i] = client.Incr(ctx, "n").Err(); n%2 == 1 {
				errs[i] = oddError{}
			}
		}
		return errs
	})
	var wg sync.WaitGroup
	for n := range others {
		wg.Go(func() {
			if err := batch.Do(t.Context(), n); errors.Is(err, oddError{}) != (n%2 == 1) {
				t.Errorf("call %d: %v", n, err)
			}
		})
	}
	until(t, "a batch beside the first", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(sizes) > 1 // the first hangs
	})
	close(release)
	wg.Wait()
	made := 0
	for _, size := range sizes {
		made += size
	}
	if largest := slices.Max(sizes); made != others || largest < 2 || largest > 100 {
		t.Errorf("%d calls in batches of %v, want %d, some together, at most 100", made, sizes, others)
	}
	if got := told.count(resilience.OutcomeError); got != others/2 {
		t.Errorf("%d calls told as errors, want each that was one", got)
	}
}

// TestBatchMakesNoCallWhoseCallerHasLeft has all turns taken, so that calls wait.
func TestBatchMakesNoCallWhoseCallerHasLeft(t *testing.T) {
	t.Parallel()
	r, told := guard(t, resilience.RedisOptions{Address: backends.Redis(t).Addr(), Timeout: patience})
	release := make(chan struct{})
	var entered atomic.Int64
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			_ = r.Do(t.Context(), "hold", func(context.Context, redis.UniversalClient) error {
				entered.Add(1)
				<-release
				return nil
			})
		})
	}
	until(t, "all turns are taken", func() bool { return entered.Load() == 10 })
	var made atomic.Int64
	batch := resilience.NewRedisBatch(r, "count", func(_ context.Context, _ redis.UniversalClient, calls []string) []error {
		made.Add(int64(len(calls)))
		return nil
	})
	ctx, leave := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer leave()
	if err := batch.Do(ctx, "left"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, resilience.ErrBusy) {
		t.Errorf("a caller that leaves: %v", err)
	}
	if err := batch.Do(resilience.WithRedisBudget(t.Context()), "busy"); !errors.Is(err, resilience.ErrBusy) {
		t.Errorf("no turn in half of the budget: %v, want ErrBusy", err)
	}
	if got := told.count(resilience.OutcomeBusy); got != 1 {
		t.Errorf("calls told as busy: %d, want 1", got)
	}
	close(release)
	wg.Wait()
	if err := batch.Do(t.Context(), "stays"); err != nil {
		t.Error(err)
	}
	if got := made.Load(); got != 1 {
		t.Errorf("%d calls made, want that of the caller who stayed", got)
	}
	if got := r.Health(); got != resilience.HealthUp {
		t.Errorf("redis is %s", got)
	}
}

// TestBatchThatBeginsLateIsBusy has as many calls under way as are made at once. One whose turn comes, but too late for an answer, says
// nothing of Redis: nobody may take it as lost.
func TestBatchThatBeginsLateIsBusy(t *testing.T) {
	t.Parallel()
	r, told := guard(t, resilience.RedisOptions{Address: backends.Redis(t).Addr(), Timeout: 2 * time.Second})
	first, late := make(chan struct{}), make(chan struct{})
	var entered atomic.Int64
	batch := resilience.NewRedisBatch(r, "count", func(_ context.Context, _ redis.UniversalClient, _ []int) []error {
		if entered.Add(1) == 11 {
			<-late
		} else {
			<-first
		}
		return nil
	})
	var wg sync.WaitGroup
	for n := range 10 {
		wg.Go(func() { _ = batch.Do(t.Context(), n) })
		until(t, "another call is under way", func() bool { return entered.Load() == int64(n+1) })
	}
	answer := make(chan error, 1)
	wg.Go(func() { answer <- batch.Do(t.Context(), 10) })
	time.Sleep(300 * time.Millisecond) // it waits for its turn, for which it has a second
	close(first)
	if err := <-answer; !errors.Is(err, resilience.ErrBusy) {
		t.Errorf("no answer after a wait for the turn: %v, want ErrBusy", err)
	}
	close(late)
	wg.Wait()
	if told.count(resilience.OutcomeBusy) != 1 || r.Health() == resilience.HealthDown {
		t.Errorf("%d calls told as busy, want 1; redis is %s", told.count(resilience.OutcomeBusy), r.Health())
	}
}

// silent is the address of what accepts connections and never answers.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// TestBatchKeepsToTheBudget asks a Redis that accepts connections and never answers.
func TestBatchKeepsToTheBudget(t *testing.T) {
	t.Parallel()
	r, told := guard(t, resilience.RedisOptions{Address: silent(t), Timeout: patience})
	batch := resilience.NewRedisBatch(r, "count", func(ctx context.Context, client redis.UniversalClient, _ []int) []error {
		return []error{client.Ping(ctx).Err()}
	})
	ctx := resilience.WithRedisBudget(t.Context())
	if err := batch.Do(ctx, 1); !os.IsTimeout(err) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the first call: %v, want it to end with the budget", err)
	}
	if err := batch.Do(ctx, 2); !errors.Is(err, resilience.ErrRedisSpent) {
		t.Errorf("the second call: %v, want ErrRedisSpent", err)
	}
	if told.count(resilience.OutcomeTimeout) == 0 || told.count(resilience.OutcomeSpent) != 1 {
		t.Error("not told as a timeout and as spent")
	}
}

// TestBatchFailsAtOnceWhileRedisIsDown has every call wait for the guard alone.
func TestBatchFailsAtOnceWhileRedisIsDown(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	r, _ := guard(t, resilience.RedisOptions{Address: server.Addr()})
	server.Stop()
	batch := resilience.NewRedisBatch(r, "ping", func(ctx context.Context, client redis.UniversalClient, calls []int) []error {
		return slices.Repeat([]error{client.Ping(ctx).Err()}, len(calls))
	})
	until(t, "down", func() bool { return batch.Do(t.Context(), 0) != nil && r.Health() == resilience.HealthDown })
	if err := batch.Do(t.Context(), 0); !errors.Is(err, resilience.ErrOpen) {
		t.Errorf("%v, want ErrOpen", err)
	}
}
