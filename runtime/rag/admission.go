package rag

import (
	"context"
	"fmt"
	"runtime/debug"
)

// admission is the step of a request at which RequestOptions.Enter and Admit are called, each once.
type admission struct {
	RequestOptions
	admitted bool
	// deciding has the answer of an Admit under way; nil when none is.
	deciding chan error
}

// early waits for the request's turn before anything is looked up, unless that comes later.
func (a *admission) early(ctx context.Context) error {
	if a.AdmitLate {
		return nil
	}
	return a.enter(ctx)
}

func (a *admission) enter(ctx context.Context) error {
	if a.Enter == nil {
		return nil
	}
	return a.Enter(ctx)
}

// admit admits when it is known how the cache serves the request, unless it was admitted already.
func (a *admission) admit(ctx context.Context, cache CacheInfo) error {
	if a.admitted {
		return nil
	}
	a.admitted = true
	switch {
	case a.deciding != nil:
		return <-a.deciding
	case !a.AdmitLate:
		cache = CacheInfo{}
	default:
		if err := a.enter(ctx); err != nil {
			return err
		}
	}
	if a.Admit == nil {
		return nil
	}
	return a.Admit(ctx, cache)
}

// begin has Admit decide while the cache waits, so that the request waits for the longer of both.
func (a *admission) begin(ctx context.Context) {
	if a.AdmitLate || a.admitted || a.deciding != nil || a.Admit == nil {
		return
	}
	deciding := make(chan error, 1)
	a.deciding = deciding
	go func() {
		defer func() {
			if r := recover(); r != nil {
				deciding <- &Error{Kind: ErrRAG, Message: "internal error", Cause: fmt.Errorf("panic: %v\n%s", r, debug.Stack())}
			}
		}()
		deciding <- a.Admit(ctx, CacheInfo{})
	}()
}

// end waits for an Admit under way: it must not outlast the request.
func (a *admission) end() {
	if a.deciding != nil && !a.admitted {
		<-a.deciding //nolint:errcheck // what it has decided is nobody's any more
	}
}

// result is how the cache serves a search whose result is the whole answer.
func (a *admission) result(ctx context.Context) CacheUse {
	return a.use(ctx, func(info CacheInfo) error { return a.admit(ctx, info) })
}

// passages is how the cache serves a search that an answer is to be made from: while it has them, nothing was worked out.
func (a *admission) passages(ctx context.Context) CacheUse {
	return a.use(ctx, func(info CacheInfo) error { return a.found(ctx, info) })
}

func (a *admission) found(ctx context.Context, cache CacheInfo) error {
	if a.AdmitLate && cache.Outcome == CacheHit {
		return nil
	}
	return a.admit(ctx, cache)
}

func (a *admission) use(ctx context.Context, serving func(CacheInfo) error) CacheUse {
	return CacheUse{NoCache: a.NoCache, Serving: serving, Waiting: func() { a.begin(ctx) }, Queued: a.AdmitLate}
}
