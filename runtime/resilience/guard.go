package resilience

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// Why a Guard did not make a call.
var (
	// ErrOpen: the dependency is known to be down.
	ErrOpen = errors.New("the dependency is known to be down")
	// ErrBusy: the call's turn did not come in time, or came too late for its answer. It says nothing of the dependency:
	// this server has more work for it than it makes calls at once.
	ErrBusy = errors.New("too many calls are under way")
)

// Health is whether a dependency answers.
type Health string

// Values of Health.
const (
	HealthUnknown Health = "unknown"
	HealthUp      Health = "up"
	HealthDown    Health = "down"
)

// GuardOptions say how much a dependency is asked, when it counts as down, and who is told.
type GuardOptions struct {
	// MaxInFlight calls are made at once, at least 1. Others wait for their turn.
	MaxInFlight int
	// Failures in a row after which the dependency counts as down, at least 1.
	Failures int
	// OpenFor is how long calls to a dependency that is down fail at once; then one at a time is made to see whether it is
	// back. 0: until Probed tells that it is.
	OpenFor time.Duration
	// Breaker, unless nil, is asked for each call in place of Failures and OpenFor. A dependency that counts as down still does after a
	// change.
	Breaker func() (failures int, openFor time.Duration)
	// Outcome names how a call ended that its caller made under parent; err may be nil.
	Outcome func(parent context.Context, err error) Outcome
	// OnCall is told each call: what for, how it ended and how long it took, its wait for a turn included. May be nil.
	OnCall func(operation string, outcome Outcome, took time.Duration)
	// OnHealth is told when the dependency goes down, with the outcome that was the last straw, and when it is back. It
	// must return soon. May be nil.
	OnHealth func(health Health, why Outcome)
}

// Guard stands before one dependency. It bounds each call in time and all of them in number, fails at once while the
// dependency is down, and tells each call and each change of health. It is safe for concurrent use.
type Guard struct {
	options GuardOptions
	turns   bulkhead.Bulkhead[any]
	circuit atomic.Pointer[circuit]
	waiting atomic.Int64
	seen    atomic.Bool  // the dependency has answered
	failure atomic.Value // the last Outcome that was a failure

	telling sync.Mutex
	down    bool // what OnHealth was told last; guarded by telling
}

// circuit is a breaker and the settings that it was made with.
type circuit struct {
	circuitbreaker.CircuitBreaker[any]
	failures int
	openFor  time.Duration
}

// NewGuard returns a guard of a dependency that is not known to be down.
func NewGuard(o GuardOptions) *Guard {
	g := &Guard{options: o, turns: bulkhead.New[any](uint(max(o.MaxInFlight, 1)))}
	failures, openFor := o.Failures, o.OpenFor
	if o.Breaker != nil {
		failures, openFor = o.Breaker()
	}
	g.circuit.Store(g.newCircuit(failures, openFor))
	return g
}

func (g *Guard) newCircuit(failures int, openFor time.Duration) *circuit {
	delay := openFor
	if delay == 0 {
		delay = math.MaxInt64
	}
	return &circuit{failures: failures, openFor: openFor, CircuitBreaker: circuitbreaker.NewBuilder[any]().
		WithFailureThreshold(uint(max(failures, 1))).
		WithSuccessThreshold(1).
		WithDelay(delay).
		OnStateChanged(func(circuitbreaker.StateChangedEvent) { g.tell() }).
		Build()}
}

// breaker is the breaker with the settings of now.
func (g *Guard) breaker() *circuit {
	old := g.circuit.Load()
	if g.options.Breaker == nil {
		return old
	}
	failures, openFor := g.options.Breaker()
	if failures == old.failures && openFor == old.openFor {
		return old
	}
	fresh := g.newCircuit(failures, openFor)
	fresh.follow(old)
	if !g.circuit.CompareAndSwap(old, fresh) {
		return g.circuit.Load()
	}
	if old.IsClosed() != fresh.IsClosed() { // it has changed meanwhile
		fresh.follow(old)
	}
	g.tell()
	return fresh
}

// follow makes c what another is.
func (c *circuit) follow(other *circuit) {
	if other.IsClosed() {
		c.Close()
	} else {
		c.Open()
	}
}

// Do makes a call within timeout, of which it waits at most half for its turn. An error is ErrOpen or ErrBusy, or what
// call returned.
func (g *Guard) Do(ctx context.Context, operation string, timeout time.Duration, call func(context.Context) error) error {
	start := time.Now()
	err := g.do(ctx, start.Add(timeout), call)
	g.Observe(operation, g.outcome(ctx, err), time.Since(start))
	return err
}

func (g *Guard) do(ctx context.Context, deadline time.Time, call func(context.Context) error) error {
	waited := !g.turns.TryAcquirePermit()
	if waited {
		g.waiting.Add(1)
		err := g.turns.AcquirePermitWithMaxWait(ctx, time.Until(deadline)/2)
		g.waiting.Add(-1)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%w: %w", ErrBusy, err)
		}
	}
	defer g.turns.ReleasePermit()
	breaker := g.breaker()
	if !breaker.TryAcquirePermit() {
		return ErrOpen
	}
	bounded, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	err := call(bounded)
	if outcome := g.outcome(ctx, err); outcome != OutcomeTimeout || !waited {
		g.record(breaker, outcome)
		return err
	}
	g.record(breaker, OutcomeBusy) // its wait may have cost it the time that the dependency needs
	return fmt.Errorf("%w: %w", ErrBusy, err)
}

func (g *Guard) outcome(parent context.Context, err error) Outcome {
	switch {
	case errors.Is(err, ErrOpen):
		return OutcomeOpen
	case errors.Is(err, ErrBusy):
		return OutcomeBusy
	default:
		return g.options.Outcome(parent, err)
	}
}

// record tells the breaker that let a call through what it shows about the dependency.
func (g *Guard) record(breaker *circuit, o Outcome) {
	shows := o.shows()
	switch shows {
	case up:
		g.seen.Store(true)
	case down:
		g.failure.Store(o)
	case nothing:
	}
	if current := g.circuit.Load(); breaker != current { // the settings have changed since the call began
		looked := breaker.IsHalfOpen()
		if breaker = current; !current.IsClosed() {
			if looked && shows == up {
				current.Close()
			}
			return
		}
	}
	switch shows {
	case up:
		breaker.RecordSuccess()
	case down:
		breaker.RecordFailure()
	case nothing:
		if breaker.IsHalfOpen() { // a call that was to show something, and its leave must not be lost
			breaker.RecordFailure()
		}
	}
}

// Probed takes the outcome of a call that the owner made past the guard, to see whether the dependency is there.
func (g *Guard) Probed(o Outcome) {
	breaker := g.breaker()
	switch {
	case breaker.IsClosed():
		g.record(breaker, o)
	case o.shows() == up:
		g.seen.Store(true)
		breaker.Close()
	}
}

// Observe tells a call that was not made through Do.
func (g *Guard) Observe(operation string, o Outcome, took time.Duration) {
	if g.options.OnCall != nil {
		g.options.OnCall(operation, o, took)
	}
}

// Health is down while calls are refused, and unknown until the dependency has answered for the first time.
func (g *Guard) Health() Health {
	switch {
	case !g.breaker().IsClosed():
		return HealthDown
	case g.seen.Load():
		return HealthUp
	default:
		return HealthUnknown
	}
}

// Waiting is how many calls wait for their turn.
func (g *Guard) Waiting() int { return int(g.waiting.Load()) }

// Breaker is the state of the breaker: "closed", "open" while calls fail at once, "half_open" while one is made to see whether the
// dependency is back.
func (g *Guard) Breaker() string {
	switch breaker := g.breaker(); {
	case breaker.IsOpen():
		return "open"
	case breaker.IsHalfOpen():
		return "half_open"
	default:
		return "closed"
	}
}

// Fault is how the call ended that the dependency counts as down for; empty while it does not.
func (g *Guard) Fault() Outcome {
	if g.Health() != HealthDown {
		return ""
	}
	why, _ := g.failure.Load().(Outcome)
	return why
}

// tell tells OnHealth when the dependency has gone down or is back. It goes by the breaker of now: another's changes say nothing, and those of
// two calls may come in any order.
func (g *Guard) tell() {
	if g.options.OnHealth == nil {
		return
	}
	g.telling.Lock()
	defer g.telling.Unlock()
	isDown := !g.circuit.Load().IsClosed()
	if isDown == g.down {
		return
	}
	if g.down = isDown; !isDown {
		g.options.OnHealth(HealthUp, OutcomeOK)
		return
	}
	why, _ := g.failure.Load().(Outcome)
	g.options.OnHealth(HealthDown, why)
}
