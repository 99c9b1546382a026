package resilience

import (
	"sync"
	"time"
)

// State is what a Breaker does with the next call.
type State string

// States of a Breaker.
const (
	// StateClosed lets every call through.
	StateClosed State = "closed"
	// StateOpen refuses every call.
	StateOpen State = "open"
	// StateHalfOpen lets one call at a time through, to see whether the dependency is back.
	StateHalfOpen State = "half-open"
)

// BreakerOptions say when a Breaker opens and how it closes again.
type BreakerOptions struct {
	// Failures in a row open the breaker; under 1 means 1.
	Failures int
	// OpenFor is how long an open breaker refuses before it is half-open. 0: until Close is called, for owners that
	// probe the dependency themselves.
	OpenFor time.Duration
	// Now is the clock; nil for time.Now.
	Now func() time.Time
	// OnChange is told each change of state, in order. It must return soon and must not call the Breaker.
	OnChange func(from, to State)
}

// Breaker is a circuit breaker: after some failures in a row it refuses calls at once instead of letting each wait for
// a dependency that is down. It is safe for concurrent use.
type Breaker struct {
	options BreakerOptions

	mu       sync.Mutex
	state    State
	epoch    uint64 // counts changes of state; results of calls from an earlier one are ignored
	failures int    // in a row
	reopens  time.Time
	probing  bool
}

// NewBreaker returns a closed Breaker.
func NewBreaker(o BreakerOptions) *Breaker {
	o.Failures = max(o.Failures, 1)
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Breaker{options: o, state: StateClosed}
}

// Permit is the leave to make one call. Exactly one of its methods is to be called when the call has ended.
type Permit struct {
	breaker *Breaker
	epoch   uint64
}

// Allow asks for leave to make a call. It reports false when the call must not be made.
func (b *Breaker) Allow() (Permit, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wake()
	switch b.state {
	case StateClosed:
	case StateOpen:
		return Permit{}, false
	case StateHalfOpen:
		if b.probing {
			return Permit{}, false
		}
		b.probing = true
	}
	return Permit{breaker: b, epoch: b.epoch}, true
}

// State is the state that the next Allow finds.
func (b *Breaker) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wake()
	return b.state
}

// Close lets calls through again: its owner has seen that the dependency is back.
func (b *Breaker) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = 0
	b.become(StateClosed)
}

// Succeeded says that the dependency did its work.
func (p Permit) Succeeded() {
	p.report(func(b *Breaker) {
		b.failures = 0
		b.become(StateClosed)
	})
}

// Failed says that the dependency did not do its work, or not in time.
func (p Permit) Failed() {
	p.report(func(b *Breaker) {
		b.failures++
		if b.state == StateHalfOpen || b.failures >= b.options.Failures {
			b.reopens = b.options.Now().Add(b.options.OpenFor)
			b.become(StateOpen)
		}
	})
}

// Withdrawn says that the call shows nothing about the dependency: its caller gave up, or it was never made.
func (p Permit) Withdrawn() {
	p.report(func(*Breaker) {})
}

func (p Permit) report(judge func(*Breaker)) {
	p.breaker.mu.Lock()
	defer p.breaker.mu.Unlock()
	if p.epoch != p.breaker.epoch {
		return
	}
	p.breaker.probing = false
	judge(p.breaker)
}

// wake turns an open breaker half-open when its time has come.
func (b *Breaker) wake() {
	if b.state == StateOpen && b.options.OpenFor > 0 && !b.options.Now().Before(b.reopens) {
		b.become(StateHalfOpen)
	}
}

func (b *Breaker) become(to State) {
	if b.state == to {
		return
	}
	from := b.state
	b.state, b.probing = to, false
	b.epoch++
	if b.options.OnChange != nil {
		b.options.OnChange(from, to)
	}
}
