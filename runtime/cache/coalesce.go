package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

// work makes a result for a call, and emits its pieces as they come; searches have none.
type work[V any] func(ctx context.Context, c *call[V]) (V, error)

// group lets requests that want the same result at the same time share one call.
type group[V any] struct {
	mu    sync.Mutex
	calls map[string]*call[V]
}

// call is work that runs apart from the requests that wait for it. It ends when it is done, or when the last of them
// has left. Each follows its tokens at its own pace.
type call[V any] struct {
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when it has ended

	// Guarded by the group's mutex.
	waiters int
	begun   bool // the work has begun
	settled bool // nobody joins it any more, and the work counts on those who wait

	mu      sync.Mutex
	pieces  []rag.Piece   // only ever grows
	changed chan struct{} // closed, and made anew, when tokens or ended change
	ended   bool
	value   V
	err     error
}

// freshDelay bounds the wait of doFresh for the work before it: a search engine that takes longer is asked ten times a
// second for one question, however many ask it.
const freshDelay = 100 * time.Millisecond

// do joins the call of key, or starts one that does the work, and follows it until it ends, ctx ends or emit fails.
// joined reports whether the call was another request's.
func (g *group[V]) do(ctx context.Context, key string, w work[V], emit func(rag.Piece) error) (value V, joined bool, err error) {
	f, joined := g.enter(ctx, key, w, false)
	defer func() { g.leave(key, f, err) }()
	value, err = f.follow(ctx, emit)
	return value, joined, err
}

// doFresh is do for a result that must not be older than the request: it joins only work that has not begun. So that
// there is such work to join, work begins when that of the requests before has ended, or after freshDelay.
func (g *group[V]) doFresh(ctx context.Context, key string, w work[V], emit func(rag.Piece) error) (value V, joined bool, err error) {
	f, joined := g.enter(ctx, key, w, true)
	defer func() { g.leave(key, f, err) }()
	value, err = f.follow(ctx, emit)
	return value, joined, err
}

// errNoTime is why a request has no result of a look into Redis: its budget was over before the look was.
var errNoTime = errors.New("no time left for redis")

// doWithinRedisBudget is do for work without pieces that asks Redis: each request waits for it within its own budget, whoever began it, else
// the error is errNoTime. Work that all have left runs to its end, which is near: what was sent to Redis cannot be taken back.
func (g *group[V]) doWithinRedisBudget(ctx context.Context, key string, w work[V]) (value V, joined bool, err error) {
	f, joined := g.enter(ctx, key, w, false)
	inTime := resilience.WaitWithinRedisBudget(ctx, f.done)
	switch {
	case !g.abandon(f):
		<-f.done // at once, unless it is there
		return f.value, joined, f.err
	case inTime:
		return value, joined, context.Cause(ctx)
	default:
		return value, joined, errNoTime
	}
}

// settle has nobody join or leave a call any more, and reports whether somebody waits for it.
func (g *group[V]) settle(key string, f *call[V]) (awaited bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(key, f)
	f.settled = true
	return f.waiters > 0
}

// abandon leaves a call to its end, unless it is settled: then that is waited for.
func (g *group[V]) abandon(f *call[V]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.settled {
		return false
	}
	f.waiters--
	return true
}

func (g *group[V]) enter(ctx context.Context, key string, w work[V], fresh bool) (f *call[V], joined bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.calls[key]
	if before != nil && (!fresh || !before.begun) {
		before.waiters++
		return before, true
	}
	// The first request's values stay, for traces and logs; its end does not concern the others. Deadlines are those
	// of the port behind, and of the requests that wait.
	detached, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	f = &call[V]{cancel: cancel, done: make(chan struct{}), changed: make(chan struct{}), waiters: 1}
	if g.calls == nil {
		g.calls = map[string]*call[V]{}
	}
	g.calls[key] = f
	go func() {
		if before != nil {
			await(detached, before.done, freshDelay)
		}
		g.run(detached, key, f, w)
	}()
	return f, false
}

// await returns when done is closed, ctx ends or the time is over.
func await(ctx context.Context, done <-chan struct{}, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
	case <-ctx.Done():
	case <-timer.C:
	}
}

// running reports whether there is a call of key to join.
func (g *group[V]) running(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls[key] != nil
}

// leave ends a call that nobody waits for any more; its context's cause is why the last one left, so that work that
// was too slow can tell it from work that nobody wants. A request that comes later starts anew.
func (g *group[V]) leave(key string, f *call[V], why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		g.forget(key, f)
		f.cancel(why)
	}
}

// forget takes f out of the group, unless another has its place. The mutex is held.
func (g *group[V]) forget(key string, f *call[V]) {
	if g.calls[key] == f {
		delete(g.calls, key)
	}
}

// run does the work.
func (g *group[V]) run(ctx context.Context, key string, f *call[V], w work[V]) {
	recovered(func() (V, error) {
		g.mu.Lock()
		f.begun = true
		g.mu.Unlock()
		return w(ctx, f)
	}, func(value V, err error) {
		g.settle(key, f) // before its end is told: a request that comes now must not join it
		f.end(value, err)
	})
}

// recovered tells what do returns. A panic, or an exit of the goroutine, is an error for all who wait.
func recovered[T any](do func() (T, error), tell func(T, error)) {
	value, err := *new(T), internal(errors.New("the work ended without a result"))
	defer func() {
		if r := recover(); r != nil {
			err = internal(fmt.Errorf("panic: %v\n%s", r, debug.Stack()))
		}
		tell(value, err)
	}()
	value, err = do()
}

func internal(cause error) error {
	return &rag.Error{Kind: rag.ErrRAG, Message: "internal error", Cause: cause}
}

func (f *call[V]) emit(piece rag.Piece) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pieces = append(f.pieces, piece)
	f.wake()
}

func (f *call[V]) end(value V, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.value, f.err, f.ended = value, err, true
	f.wake()
	close(f.done)
}

// wake wakes who waits for a change. The mutex is held.
func (f *call[V]) wake() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// follow tells emit all tokens, those from before too, and returns the result.
func (f *call[V]) follow(ctx context.Context, emit func(rag.Piece) error) (V, error) {
	for told := 0; ; {
		now := f.since(told)
		for _, piece := range now.pieces {
			if ctx.Err() != nil {
				return *new(V), context.Cause(ctx)
			}
			if err := emit(piece); err != nil {
				return *new(V), err
			}
		}
		if now.ended {
			return f.value, f.err // nothing changes any more
		}
		told += len(now.pieces)
		select {
		case <-now.changed:
		case <-ctx.Done():
			return *new(V), context.Cause(ctx)
		}
	}
}

// progress is how far a call is.
type progress struct {
	pieces []rag.Piece
	// ended says that there will be no more pieces.
	ended bool
	// changed is closed when there is news.
	changed <-chan struct{}
}

// since is the progress from the n-th piece on.
func (f *call[V]) since(n int) progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	return progress{f.pieces[n:], f.ended, f.changed}
}
