package resilience_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

var errDown = errors.New("down")

// guarded is a guard of a dependency whose only fault is errDown, and what it told.
func guarded(o resilience.GuardOptions) (*resilience.Guard, *recorder) {
	told := &recorder{}
	o.Outcome = func(parent context.Context, err error) resilience.Outcome {
		switch {
		case parent.Err() != nil:
			return resilience.OutcomeCanceled
		case errors.Is(err, errDown):
			return resilience.OutcomeUnreachable
		default:
			return resilience.OutcomeOK
		}
	}
	o.OnCall, o.OnHealth = told.onCall, told.onHealth
	return resilience.NewGuard(o), told
}

// ask makes a call that ends with err, and says whether it was made.
func ask(ctx context.Context, g *resilience.Guard, err error) (made bool, got error) {
	got = g.Do(ctx, "ask", time.Minute, func(context.Context) error {
		made = true
		return err
	})
	return made, got
}

func TestGuardOpensAfterFailuresInARow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, told := guarded(resilience.GuardOptions{Failures: 3, OpenFor: time.Second})
		for _, err := range []error{errDown, errDown, nil, errDown, errDown, errDown} {
			if made, got := ask(t.Context(), g, err); !made || !errors.Is(got, err) {
				t.Fatalf("a call to what is not known to be down: made %t, %v", made, got)
			}
		}
		if made, err := ask(t.Context(), g, nil); made || !errors.Is(err, resilience.ErrOpen) || g.Health() != resilience.HealthDown {
			t.Errorf("after three failures in a row: made %t, %v, %s", made, err, g.Health())
		}
		if diff := cmp.Diff([]resilience.Outcome{resilience.OutcomeUnreachable}, told.downs); diff != "" {
			t.Errorf("told of its going down (-want +got):\n%s", diff)
		}
		time.Sleep(time.Second)
		if made, err := ask(t.Context(), g, errDown); !made || !errors.Is(err, errDown) {
			t.Errorf("the call that looks whether it is back: made %t, %v", made, err)
		}
		if made, _ := ask(t.Context(), g, nil); made {
			t.Error("it is asked again at once, although it was not back")
		}
		time.Sleep(time.Second)
		if made, err := ask(t.Context(), g, nil); !made || err != nil || g.Health() != resilience.HealthUp {
			t.Errorf("when it is back: made %t, %v, %s", made, err, g.Health())
		}
		if len(told.downs) != 1 {
			t.Errorf("told %d times that it went down, want once", len(told.downs))
		}
	})
}

func TestGuardLetsOneCallLookWhetherItIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, _ := guarded(resilience.GuardOptions{MaxInFlight: 10, Failures: 1, OpenFor: time.Second})
		if state := g.Breaker(); state != "closed" {
			t.Errorf("at first the breaker is %s", state)
		}
		_, _ = ask(t.Context(), g, errDown)
		if state := g.Breaker(); state != "open" {
			t.Errorf("after a failure the breaker is %s", state)
		}
		time.Sleep(time.Second)
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = g.Do(ctx, "ask", time.Minute, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		})
		synctest.Wait()
		if state := g.Breaker(); state != "half_open" {
			t.Errorf("while it looks the breaker is %s", state)
		}
		if made, err := ask(t.Context(), g, nil); made || !errors.Is(err, resilience.ErrOpen) {
			t.Errorf("a second call: made %t, %v", made, err)
		}
		leave() // the caller of the one gives up: it showed nothing
		wg.Wait()
		time.Sleep(time.Second)
		if made, err := ask(t.Context(), g, nil); !made || err != nil {
			t.Errorf("a later call: made %t, %v, want it to look", made, err)
		}
	})
}

func TestGuardBoundsTheCallsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, told := guarded(resilience.GuardOptions{MaxInFlight: 2, Failures: 1})
		release := make(chan struct{})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { _ = g.Do(t.Context(), "ask", time.Hour, func(context.Context) error { <-release; return nil }) })
		}
		synctest.Wait()
		if made, err := ask(t.Context(), g, nil); made || !errors.Is(err, resilience.ErrBusy) {
			t.Errorf("a call whose turn did not come: made %t, %v", made, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wg.Go(func() {
			time.Sleep(time.Second / 2)
			if n := g.Waiting(); n != 1 {
				t.Errorf("%d calls wait, want 1", n)
			}
		})
		if made, err := ask(ctx, g, nil); made || errors.Is(err, resilience.ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call whose caller left first: made %t, %v", made, err)
		}
		if n := g.Waiting(); n != 0 {
			t.Errorf("%d calls wait, want none", n)
		}
		close(release)
		wg.Wait()
		if made, err := ask(t.Context(), g, nil); !made || err != nil || g.Health() != resilience.HealthUp {
			t.Errorf("afterwards: made %t, %v, %s", made, err, g.Health())
		}
		want := map[resilience.Outcome]int{resilience.OutcomeOK: 3, resilience.OutcomeBusy: 1, resilience.OutcomeCanceled: 1}
		if diff := cmp.Diff(want, told.calls); diff != "" {
			t.Errorf("calls told (-want +got):\n%s", diff)
		}
	})
}

// A call that waited for its turn and then had too little time shows nothing: whoever waits behind slow calls must not
// make the dependency count as down. One that did not wait shows that it is too slow.
func TestGuardCountsTimeoutsOfCallsThatDidNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := resilience.NewGuard(resilience.GuardOptions{Failures: 1, Outcome: func(_ context.Context, err error) resilience.Outcome {
			if errors.Is(err, context.DeadlineExceeded) {
				return resilience.OutcomeTimeout
			}
			return resilience.OutcomeOK
		}})
		slow := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = g.Do(t.Context(), "first", time.Hour, func(context.Context) error { time.Sleep(20 * time.Second); return nil })
		})
		synctest.Wait()
		if err := g.Do(t.Context(), "second", time.Minute, slow); !errors.Is(err, resilience.ErrBusy) || g.Health() != resilience.HealthUp {
			t.Errorf("a call that waited: %v, %s", err, g.Health())
		}
		wg.Wait()
		if err := g.Do(t.Context(), "third", time.Minute, slow); errors.Is(err, resilience.ErrBusy) || g.Health() != resilience.HealthDown {
			t.Errorf("a call that did not wait: %v, %s", err, g.Health())
		}
	})
}

func TestGuardWithoutATimeToReopenWaitsForItsOwner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, _ := guarded(resilience.GuardOptions{Failures: 1})
		g.Probed(resilience.OutcomeUnreachable)
		time.Sleep(24 * time.Hour)
		if made, err := ask(t.Context(), g, nil); made || !errors.Is(err, resilience.ErrOpen) {
			t.Errorf("a call while it is down: made %t, %v", made, err)
		}
		g.Probed(resilience.OutcomeUnreachable)
		g.Probed(resilience.OutcomeCanceled)
		if g.Health() != resilience.HealthDown {
			t.Errorf("%s after a probe that failed", g.Health())
		}
		g.Probed(resilience.OutcomeOK)
		if made, err := ask(t.Context(), g, nil); !made || err != nil {
			t.Errorf("a call when it is back: made %t, %v", made, err)
		}
	})
}

// TestGuardTakesUpChanges: a dependency that is known to be down stays so when the settings change, and is asked again when the new time
// is over.
func TestGuardTakesUpChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failures, openFor := 3, time.Hour
		g, _ := guarded(resilience.GuardOptions{Breaker: func() (int, time.Duration) { return failures, openFor }})
		failures = 2
		for range 2 {
			if made, _ := ask(t.Context(), g, errDown); !made {
				t.Fatal("a call to what is not known to be down was not made")
			}
		}
		if g.Health() != resilience.HealthDown {
			t.Fatalf("%s after as many failures as are allowed now", g.Health())
		}
		openFor = time.Second
		if made, err := ask(t.Context(), g, nil); made || !errors.Is(err, resilience.ErrOpen) {
			t.Errorf("right after the change: made %t, %v", made, err)
		}
		time.Sleep(time.Second)
		if made, err := ask(t.Context(), g, nil); !made || err != nil {
			t.Errorf("after the new time: made %t, %v", made, err)
		}
	})
}

// TestGuardTellsItsHealthOnceWhenSettingsChange: neither a change while the dependency is down, nor one while a call looks whether it is back,
// tells anything of itself, and what that call has seen counts.
func TestGuardTellsItsHealthOnceWhenSettingsChange(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		looks error
		want  []resilience.Health
	}{
		"it is back":     {nil, []resilience.Health{resilience.HealthDown, resilience.HealthUp}},
		"it is not back": {errDown, []resilience.Health{resilience.HealthDown}},
	} {
		synctest.Test(t, func(t *testing.T) {
			openFor := time.Minute
			var told []resilience.Health
			g := resilience.NewGuard(resilience.GuardOptions{
				MaxInFlight: 9,
				Breaker:     func() (int, time.Duration) { return 1, openFor },
				OnHealth:    func(health resilience.Health, _ resilience.Outcome) { told = append(told, health) },
				Outcome: func(_ context.Context, err error) resilience.Outcome {
					if err != nil {
						return resilience.OutcomeUnreachable
					}
					return resilience.OutcomeOK
				},
			})
			_, _ = ask(t.Context(), g, errDown)
			openFor = time.Second
			if g.Health() != resilience.HealthDown {
				t.Errorf("%s: %s after a change", name, g.Health())
			}
			time.Sleep(time.Second)
			looked := make(chan struct{})
			var wg sync.WaitGroup
			wg.Go(func() {
				_ = g.Do(t.Context(), "look", time.Hour, func(context.Context) error { <-looked; return test.looks })
			})
			synctest.Wait()
			openFor = time.Hour
			if g.Health() != resilience.HealthDown {
				t.Errorf("%s: %s after a change while a call looks", name, g.Health())
			}
			close(looked)
			wg.Wait()
			if diff := cmp.Diff(test.want, told); diff != "" {
				t.Errorf("%s (-want +told):\n%s", name, diff)
			}
			if up := g.Health() == resilience.HealthUp; up != (test.looks == nil) {
				t.Errorf("%s: %s", name, g.Health())
			}
		})
	}
}

// A call that began before a change counts for the breaker of now; one that began before the dependency went down does not say that it is back.
func TestGuardCountsCallsThatOutlastAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failures := 2
		g, told := guarded(resilience.GuardOptions{MaxInFlight: 9, Breaker: func() (int, time.Duration) { return failures, time.Hour }})
		slow := func(err error) func() {
			goesOn, done := make(chan struct{}), make(chan struct{})
			go func() {
				_ = g.Do(t.Context(), "slow", 2*time.Hour, func(context.Context) error { <-goesOn; return err })
				close(done)
			}()
			synctest.Wait()
			return func() { close(goesOn); <-done }
		}
		fails, succeeds := slow(errDown), slow(nil)
		failures = 1
		if g.Health() == resilience.HealthDown {
			t.Fatal("down before anything failed")
		}
		fails()
		if g.Health() != resilience.HealthDown || len(told.downs) != 1 {
			t.Fatalf("%s, told %v, after a failure", g.Health(), told.downs)
		}
		succeeds()
		if g.Health() != resilience.HealthDown {
			t.Errorf("%s by a call that began before it went down", g.Health())
		}
	})
}
