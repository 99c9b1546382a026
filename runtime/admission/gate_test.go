package admission_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/admission"
)

// gate is one of 10 turns and a wait of 2 s.
func gate() *admission.Gate {
	return &admission.Gate{Settings: func() admission.Settings {
		return admission.Settings{MaxInFlight: 10, QueueTimeout: 2 * time.Second}
	}}
}

// fill takes n turns of searches.
func fill(t *testing.T, g *admission.Gate, n int) {
	t.Helper()
	for range n {
		if err := g.Enter(t.Context(), admission.Search); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGateKeepsTurnsForTheMoreImportant(t *testing.T) {
	t.Parallel()
	for taken, want := range map[int][]error{
		4:  {nil, nil, nil, nil},
		5:  {admission.ErrFull, nil, nil, nil},
		7:  {admission.ErrFull, nil, nil, nil},
		8:  {admission.ErrFull, admission.ErrFull, nil, nil},
		9:  {admission.ErrFull, admission.ErrFull, admission.ErrFull, nil},
		10: {admission.ErrFull, admission.ErrFull, admission.ErrFull, admission.ErrFull},
	} {
		for p, want := range want {
			synctest.Test(t, func(t *testing.T) {
				g := gate()
				fill(t, g, taken)
				if err := g.Enter(t.Context(), admission.Priority(p)); !errors.Is(err, want) {
					t.Errorf("priority %d with %d in flight: %v, want %v", p, taken, err, want)
				}
			})
		}
	}
}

// TestGateGivesTurnsByPriority: whoever is more important comes first, those alike in their order, and when as many wait as are worked
// on, the least important is refused.
func TestGateGivesTurnsByPriority(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := gate()
		fill(t, g, 10)
		var mu sync.Mutex
		var order []string
		enter := func(name string, p admission.Priority) {
			go func() {
				err := g.Enter(t.Context(), p)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					name += " refused"
				}
				order = append(order, name)
			}()
			synctest.Wait()
		}
		enter("stream 1", admission.Stream)
		enter("stream 2", admission.Stream)
		for range 6 {
			enter("ask", admission.Ask)
		}
		enter("search 1", admission.Search)
		enter("search 2", admission.Search)
		enter("search 3", admission.Search) // the eleventh
		for range 4 {
			g.Leave()
			synctest.Wait()
		}
		// Three searches have the turns that were given back, and the fourth is beyond what an ask may use.
		if diff := cmp.Diff([]string{"stream 2 refused", "search 1", "search 2", "search 3"}, order); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		g.Leave()
		synctest.Wait()
		if len(order) != 5 || order[4] != "ask" {
			t.Errorf("then %v", order[4:])
		}
	})
}

func TestGateForgetsWhoLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := gate()
		fill(t, g, 10)
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		go func() {
			time.Sleep(time.Second / 2)
			if n := g.Waiting(); n != 1 {
				t.Errorf("%d wait, want 1", n)
			}
		}()
		if err := g.Enter(ctx, admission.Search); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller that left: %v", err)
		}
		if n := g.Waiting(); n != 0 {
			t.Errorf("%d wait, want none", n)
		}
		g.Leave()
		fill(t, g, 1)
		if err := g.Enter(t.Context(), admission.Search); !errors.Is(err, admission.ErrFull) {
			t.Errorf("the eleventh: %v", err)
		}
	})
}

func TestGateRefusesAtOnceWithoutAWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &admission.Gate{Settings: func() admission.Settings { return admission.Settings{MaxInFlight: 1} }}
		fill(t, g, 1)
		began := time.Now()
		if err := g.Enter(t.Context(), admission.Search); !errors.Is(err, admission.ErrFull) || time.Since(began) > 0 {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}
