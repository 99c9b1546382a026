package resilience_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

// step is one thing that happens to a breaker.
type step struct {
	do    func(*testing.T, *resilience.Breaker)
	after time.Duration // passes before the step
	want  resilience.State
}

func succeed(t *testing.T, b *resilience.Breaker) { t.Helper(); permit(t, b).Succeeded() }
func fail(t *testing.T, b *resilience.Breaker)    { t.Helper(); permit(t, b).Failed() }
func withdraw(t *testing.T, b *resilience.Breaker) {
	t.Helper()
	permit(t, b).Withdrawn()
}

func refused(t *testing.T, b *resilience.Breaker) {
	t.Helper()
	if _, ok := b.Allow(); ok {
		t.Error("a call was allowed, want it refused")
	}
}

func permit(t *testing.T, b *resilience.Breaker) resilience.Permit {
	t.Helper()
	p, ok := b.Allow()
	if !ok {
		t.Fatal("a call was refused, want it allowed")
	}
	return p
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	const openFor = 30 * time.Second
	tests := map[string][]step{
		"opens at failures in a row": {
			{do: fail, want: resilience.StateClosed},
			{do: fail, want: resilience.StateClosed},
			{do: fail, want: resilience.StateOpen},
			{do: refused, want: resilience.StateOpen},
		},
		"a success starts the count anew": {
			{do: fail, want: resilience.StateClosed},
			{do: fail, want: resilience.StateClosed},
			{do: succeed, want: resilience.StateClosed},
			{do: fail, want: resilience.StateClosed},
			{do: fail, want: resilience.StateClosed},
		},
		"what its caller gave up counts for nothing": {
			{do: fail, want: resilience.StateClosed},
			{do: fail, want: resilience.StateClosed},
			{do: withdraw, want: resilience.StateClosed},
			{do: fail, want: resilience.StateOpen},
		},
		"one success closes it when half-open": {
			{do: fail}, {do: fail}, {do: fail, want: resilience.StateOpen},
			{do: refused, after: openFor - 1, want: resilience.StateOpen},
			{do: succeed, after: 1, want: resilience.StateClosed},
			{do: fail, want: resilience.StateClosed},
		},
		"one failure opens it when half-open": {
			{do: fail}, {do: fail}, {do: fail, want: resilience.StateOpen},
			{do: fail, after: openFor, want: resilience.StateOpen},
			{do: refused, after: openFor - 1, want: resilience.StateOpen},
			{do: succeed, after: 1, want: resilience.StateClosed},
		},
		"a withdrawn probe lets another try": {
			{do: fail}, {do: fail}, {do: fail, want: resilience.StateOpen},
			{do: withdraw, after: openFor, want: resilience.StateHalfOpen},
			{do: succeed, want: resilience.StateClosed},
		},
		"its owner closes it": {
			{do: fail}, {do: fail}, {do: fail, want: resilience.StateOpen},
			{do: func(_ *testing.T, b *resilience.Breaker) { b.Close() }, want: resilience.StateClosed},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Unix(1e9, 0)
			b := resilience.NewBreaker(resilience.BreakerOptions{
				Failures: 3, OpenFor: openFor, Now: func() time.Time { return now },
			})
			for i, s := range steps {
				now = now.Add(s.after)
				s.do(t, b)
				if got := b.State(); s.want != "" && got != s.want {
					t.Fatalf("after step %d: %s, want %s", i, got, s.want)
				}
			}
		})
	}
}

func TestBreakerHalfOpenLetsOneCallThroughAtATime(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	b := resilience.NewBreaker(resilience.BreakerOptions{
		Failures: 1, OpenFor: time.Second, Now: func() time.Time { return now },
	})
	fail(t, b)
	now = now.Add(time.Second)
	probe := permit(t, b)
	refused(t, b)
	probe.Succeeded()
	succeed(t, b)
}

func TestBreakerIgnoresResultsFromBeforeAChange(t *testing.T) {
	t.Parallel()
	b := resilience.NewBreaker(resilience.BreakerOptions{Failures: 1})
	slow, slower := permit(t, b), permit(t, b)
	fail(t, b)
	slow.Succeeded()
	if got := b.State(); got != resilience.StateOpen {
		t.Errorf("after a late success: %s, want open", got)
	}
	b.Close()
	slower.Failed()
	if got := b.State(); got != resilience.StateClosed {
		t.Errorf("after a late failure: %s, want closed", got)
	}
}

func TestBreakerWithoutOpenForStaysOpenUntilClosed(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	var changes []resilience.State
	b := resilience.NewBreaker(resilience.BreakerOptions{
		Failures: 1, Now: func() time.Time { return now },
		OnChange: func(from, to resilience.State) { changes = append(changes, from, to) },
	})
	fail(t, b)
	now = now.Add(24 * time.Hour)
	refused(t, b)
	b.Close()
	b.Close()
	succeed(t, b)
	want := []resilience.State{
		resilience.StateClosed, resilience.StateOpen,
		resilience.StateOpen, resilience.StateClosed,
	}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
