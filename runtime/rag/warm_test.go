package rag

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// warming is a service that notes what it is asked, and documents whose state a test changes.
type warming struct {
	Control
	states map[string]State
	asked  []string
	fails  bool
}

func (w *warming) Current(_ context.Context, tenant string) State { return w.states[tenant] }

func (w *warming) Retrieve(_ context.Context, q Query) (Retrieval, error) {
	w.asked = append(w.asked, fmt.Sprintf("%s as %q of %s", q.Text, q.Readers, q.Tenant))
	if w.fails {
		return Retrieval{}, ErrSearchUnavailable
	}
	return Retrieval{}, nil
}

// since are the questions asked since the last look.
func (w *warming) since() []string {
	asked := w.asked
	w.asked = nil
	return asked
}

func newWarmer(w *warming, settings *WarmSettings) *Warmer {
	s := &Service{Retriever: w, Control: w, Settings: func() Settings {
		limits := testSettings
		limits.CountQuestions = true
		return limits
	}}
	return &Warmer{Service: s, Settings: func() WarmSettings { return *settings }, Turn: func(context.Context) (func(), error) { return func() {}, nil }}
}

func TestQuestionsAreAskedWhenDocumentsHaveChanged(t *testing.T) {
	w := &warming{states: map[string]State{}}
	settings := WarmSettings{Questions: []string{"How long?", "Why?"}}
	warmer, now := newWarmer(w, &settings), time.Now()
	both := []string{`How long? as [""] of default`, `Why? as [""] of default`}
	step := func(what string, passed time.Duration, state State, want []string) {
		t.Helper()
		now = now.Add(passed)
		w.states[DefaultTenant] = state
		warmer.round(t.Context(), now)
		if diff := cmp.Diff(want, w.since()); diff != "" {
			t.Errorf("%s (-want +asked):\n%s", what, diff)
		}
	}
	step("nothing is known of the documents", 0, State{}, nil)
	step("they are just seen", time.Minute, State{Token: "a", Confirmed: true}, nil)
	step("soon after", 4*time.Second, State{Token: "a", Confirmed: true}, nil)
	step("they have stayed", time.Second, State{Token: "a", Confirmed: true}, both)
	step("nothing has changed", time.Hour, State{Token: "a", Confirmed: true}, nil)
	step("a change is under way", time.Hour, State{Token: "b", Confirmed: true, Open: true}, nil)
	step("it has ended", time.Second, State{Token: "c", Confirmed: true}, nil)
	step("another came", 4*time.Second, State{Token: "d", Confirmed: true}, nil)
	step("it is not known whether they have", time.Hour, State{Token: "d"}, nil)
	step("they have stayed again", time.Second, State{Token: "d", Confirmed: true}, both)
	answers := &AnswerTokens{All: "x"}
	step("answers were invalidated", time.Second, State{Token: "d", Confirmed: true, Answers: answers}, nil)
	step("and some seconds have passed", 5*time.Second, State{Token: "d", Confirmed: true, Answers: answers}, both)
	w.fails = true
	rounds := ""
	warmer.OnRound = func(asked, failed int) { rounds += fmt.Sprintf("%d, %d failed;", asked, failed) }
	step("another index", time.Second, State{Token: "d", Index: "i", Confirmed: true, Answers: answers}, nil)
	step("that fails", 5*time.Second, State{Token: "d", Index: "i", Confirmed: true, Answers: answers}, both)
	step("is not asked again and again", time.Hour, State{Token: "d", Index: "i", Confirmed: true, Answers: answers}, nil)
	if rounds != "2, 2 failed;" {
		t.Errorf("rounds: %s", rounds)
	}
}

func TestPopularQuestionsAreAskedAsTheirCallersWould(t *testing.T) {
	w := &warming{states: map[string]State{"acme": {Token: "a", Confirmed: true}, "umbrella": {Token: "a", Confirmed: true}}}
	settings := WarmSettings{Popular: 3}
	warmer := newWarmer(w, &settings)
	ask := func(id Identity, query string, times int) {
		for range times {
			opt := RequestOptions{Admit: func(context.Context, CacheInfo) error { return nil }}
			if _, err := warmer.Service.Ask(t.Context(), id, AskRequest{Query: query}, opt); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask(Identity{Name: "key:alice", Tenant: "acme", Groups: []string{"law"}}, "one", 3)
	ask(Identity{Name: "key:bob", Tenant: "acme"}, "one", 5)
	ask(Identity{Name: "key:carol", Tenant: "umbrella", Role: RoleAdmin}, "two", 4)
	ask(Identity{Name: "key:dave", Tenant: "umbrella"}, "three", 1)
	for range 9 { // who is refused makes nothing popular
		refuse := RequestOptions{AdmitLate: true, Admit: func(context.Context, CacheInfo) error { return ErrRateLimit }}
		if _, err := warmer.Service.Ask(t.Context(), Identity{Tenant: "umbrella"}, AskRequest{Query: "refused"}, refuse); err == nil {
			t.Fatal("admitted")
		}
	}
	w.since()
	warmer.round(t.Context(), time.Now())
	warmer.round(t.Context(), time.Now().Add(time.Minute))
	want := []string{`one as [""] of acme`, `two as [] of umbrella`, `one as ["" "law"] of acme`}
	if diff := cmp.Diff(want, w.since()); diff != "" {
		t.Errorf("(-want +asked):\n%s", diff)
	}
	warmer.round(t.Context(), time.Now().Add(time.Hour))
	if asked := w.since(); len(asked) > 0 {
		t.Errorf("%q were asked again: its own questions are no caller's", asked)
	}
}

func TestCountsOfQuestionsAreBounded(t *testing.T) {
	var p popular
	for range 1000 {
		p.note(Identity{}, AskRequest{Query: "often"})
	}
	for i := range 3 * maxPopular {
		p.note(Identity{}, AskRequest{Query: strconv.Itoa(i)})
	}
	if len(p.byKey) > maxPopular {
		t.Errorf("%d questions are remembered, want %d at most", len(p.byKey), maxPopular)
	}
	if most := p.most(1); most[0].request.Query != "often" {
		t.Errorf("the most popular is %q", most[0].request.Query)
	}
}

// A question for which there is no turn is left out; the others are asked.
func TestQuestionsWaitForTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &warming{states: map[string]State{DefaultTenant: {Token: "a", Confirmed: true}}}
		settings := WarmSettings{Questions: []string{"one", "two"}}
		warmer := newWarmer(w, &settings)
		turns, ended := 0, 0
		warmer.Turn = func(context.Context) (func(), error) {
			if turns++; turns == 1 {
				return nil, errors.New("no turn")
			}
			return func() { ended++ }, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		warmer.Run(ctx)
		if diff := cmp.Diff([]string{`two as [""] of default`}, w.since()); diff != "" || ended != 1 {
			t.Errorf("%d turns ended (-want +asked):\n%s", ended, diff)
		}
	})
}
