package cache

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

// notAgain is the work of who must join a call.
func notAgain(t *testing.T) work[string] {
	t.Helper()
	return func(context.Context, *call[string]) (string, error) {
		t.Error("the work was done again")
		return "", errors.New("not again")
	}
}

func TestCallIsSharedByAllWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g group[string]
		var calls, joins atomic.Int64
		release := make(chan struct{})
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				value, joined, err := g.do(t.Context(), "k", func(context.Context, *call[string]) (string, error) {
					calls.Add(1)
					<-release
					return "v", nil
				}, ignore)
				if value != "v" || err != nil {
					t.Errorf("%q, %v", value, err)
				}
				if joined {
					joins.Add(1)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if calls.Load() != 1 || joins.Load() != 999 {
			t.Errorf("%d calls and %d joined, want 1 and 999", calls.Load(), joins.Load())
		}
		if len(g.calls) != 0 {
			t.Errorf("%d calls are left", len(g.calls))
		}
	})
}

func TestCallOutlivesItsFirstCallerAndEndsWithTheLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g group[string]
		canceled := false
		enter := func() context.CancelFunc {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				_, _, err := g.do(ctx, "k", func(ctx context.Context, _ *call[string]) (string, error) {
					<-ctx.Done()
					canceled = true
					return "", ctx.Err()
				}, ignore)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("who left got %v", err)
				}
			}()
			synctest.Wait()
			return cancel
		}
		first, second := enter(), enter()
		first()
		synctest.Wait()
		if canceled {
			t.Error("the work ended with its first caller")
		}
		second()
		synctest.Wait()
		if !canceled {
			t.Error("the work goes on for nobody")
		}
	})
}

func TestWorkLearnsWhyItsLastCallerLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g group[string]
		late := errors.New("late")
		ctx, cancel := context.WithCancelCause(t.Context())
		var cause error
		go func() {
			_, _, _ = g.do(ctx, "k", func(ctx context.Context, _ *call[string]) (string, error) {
				<-ctx.Done()
				cause = context.Cause(ctx)
				return "", ctx.Err()
			}, ignore)
		}()
		synctest.Wait()
		cancel(late)
		synctest.Wait()
		if !errors.Is(cause, late) {
			t.Errorf("the cause is %v", cause)
		}
	})
}

func TestWhoComesAfterTheLastHasLeftStartsAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g group[string]
		hang := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			_, _, _ = g.do(ctx, "k", func(context.Context, *call[string]) (string, error) {
				<-hang // does not even notice that it was canceled
				return "old", nil
			}, ignore)
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		value, joined, err := g.do(t.Context(), "k", func(context.Context, *call[string]) (string, error) {
			return "new", nil
		}, ignore)
		if value != "new" || joined || err != nil {
			t.Errorf("%q, joined %t, %v", value, joined, err)
		}
		close(hang)
	})
}

func TestCallTellsAllTokensToLateJoiners(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g group[string]
		more := make(chan string)
		told := make([][]string, 3)
		var wg sync.WaitGroup
		join := func(i int) {
			wg.Go(func() {
				_, _, err := g.do(t.Context(), "k", func(_ context.Context, c *call[string]) (string, error) {
					for token := range more {
						c.emit(rag.Piece{Text: token})
					}
					return "", nil
				}, func(piece rag.Piece) error {
					told[i] = append(told[i], piece.Text)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		join(0)
		more <- "a"
		join(1)
		more <- "b"
		more <- "c"
		join(2)
		synctest.Wait()
		if diff := cmp.Diff([]string{"a", "b", "c"}, told[2]); diff != "" {
			t.Errorf("who joins gets the tokens so far at once (-want +got):\n%s", diff)
		}
		more <- "d"
		close(more)
		wg.Wait()
		for i, got := range told {
			if diff := cmp.Diff([]string{"a", "b", "c", "d"}, got); diff != "" {
				t.Errorf("caller %d (-want +got):\n%s", i, diff)
			}
		}
	})
}

func TestSlowConsumerHoldsNobodyBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g group[string]
		started, unblock := make(chan struct{}), make(chan struct{})
		slow := 0
		var wg sync.WaitGroup
		wg.Go(func() { // the one who started the work
			_, _, err := g.do(t.Context(), "k", func(_ context.Context, c *call[string]) (string, error) {
				<-started
				for i := range 100 {
					c.emit(rag.Piece{Text: strconv.Itoa(i)})
				}
				return "done", nil
			}, func(rag.Piece) error {
				<-unblock
				slow++
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		quick := 0
		wg.Go(func() { close(started) })
		value, joined, err := g.do(t.Context(), "k", notAgain(t), func(rag.Piece) error { quick++; return nil })
		if value != "done" || !joined || err != nil {
			t.Errorf("%q, joined %t, %v", value, joined, err)
		}
		if quick != 100 || slow != 0 {
			t.Errorf("the quick one got %d tokens and the slow one %d, want 100 and 0", quick, slow)
		}
		close(unblock)
		wg.Wait()
		if slow != 100 {
			t.Errorf("the slow one got %d tokens in the end, want 100", slow)
		}
	})
}

func TestConsumerThatFailsLeavesTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g group[string]
		gone := errors.New("the client is gone")
		write, more := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _, err := g.do(t.Context(), "k", func(_ context.Context, c *call[string]) (string, error) {
				<-write
				c.emit(rag.Piece{Text: "a"})
				<-more
				c.emit(rag.Piece{Text: "b"})
				return "done", nil
			}, func(rag.Piece) error { return gone })
			if !errors.Is(err, gone) {
				t.Errorf("who failed got %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if value, _, err := g.do(t.Context(), "k", notAgain(t), ignore); value != "done" || err != nil {
				t.Errorf("who stayed got %q, %v", value, err)
			}
		})
		synctest.Wait()
		close(write)
		synctest.Wait()
		close(more)
		wg.Wait()
	})
}

func TestPanicIsAnErrorForAllWhoWait(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func() (string, error){
		"panic": func() (string, error) { panic("a bug") },
		"exit":  func() (string, error) { runtime.Goexit(); return "", nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var g group[string]
				release := make(chan struct{})
				var wg sync.WaitGroup
				for range 10 {
					wg.Go(func() {
						_, _, err := g.do(t.Context(), "k", func(context.Context, *call[string]) (string, error) {
							<-release
							return end()
						}, ignore)
						var told *rag.Error
						if !errors.As(err, &told) || told.Kind != rag.ErrRAG {
							t.Errorf("got %v, want an internal error", err)
						}
					})
				}
				synctest.Wait()
				close(release)
				wg.Wait()
			})
		})
	}
}

// A request whose time ends when its look into Redis is told that it waits gets what that has found: it may have claimed the work for it. One
// that comes then looks for itself.
func TestWhoIsCountedOnTakesWhatWasFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g group[string]
		goOn := make(chan struct{})
		look := func(_ context.Context, c *call[string]) (string, error) {
			if !g.settle("k", c) {
				t.Error("nobody waits")
			}
			<-goOn
			return "found", nil
		}
		left, leave := context.WithCancel(t.Context())
		var looking sync.WaitGroup
		for name, ctx := range map[string]context.Context{"its budget": resilience.WithRedisBudget(t.Context()), "its request": left} {
			looking.Go(func() {
				if got, joined, err := g.doWithinRedisBudget(ctx, "k", look); got != "found" || joined || err != nil {
					t.Errorf("%s has ended: %q, joined %t, %v", name, got, joined, err)
				}
			})
			synctest.Wait()
		}
		leave()
		time.Sleep(2 * resilience.RedisBudget)
		close(goOn)
		looking.Wait()
	})
}

func TestCallKeepsTheValuesOfItsFirstCaller(t *testing.T) {
	t.Parallel()
	type traceKey struct{}
	var g group[string]
	ctx := context.WithValue(t.Context(), traceKey{}, "trace")
	value, _, err := g.do(ctx, "k", func(ctx context.Context, _ *call[string]) (string, error) {
		if _, limited := ctx.Deadline(); limited {
			t.Error("the work has a caller's deadline")
		}
		trace, _ := ctx.Value(traceKey{}).(string)
		return trace, nil
	}, ignore)
	if value != "trace" || err != nil {
		t.Errorf("%q, %v", value, err)
	}
}

func TestCallsOfManyKeysUnderRace(t *testing.T) {
	t.Parallel()
	var g group[int]
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 50 {
				key := (i + j) % 7
				value, _, err := g.do(t.Context(), strconv.Itoa(key), func(_ context.Context, c *call[int]) (int, error) {
					c.emit(rag.Piece{Text: "x"})
					runtime.Gosched()
					c.emit(rag.Piece{Text: "y"})
					return key, nil
				}, ignore)
				if value != key || err != nil {
					t.Errorf("key %d: %d, %v", key, value, err)
				}
			}
		})
	}
	wg.Wait()
}
