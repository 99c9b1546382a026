package rag

import (
	"context"
	"time"
)

const (
	// warmEvery is how often a Warmer looks whether documents have changed.
	warmEvery = time.Second
	// warmAfter is how long nothing must have changed before it asks: uploads come in rows.
	warmAfter = 5 * time.Second
	// warmTimeout bounds one question.
	warmTimeout = time.Minute
)

// WarmSettings say what is asked beforehand.
type WarmSettings struct {
	// Questions are asked in the default tenant, for callers without groups.
	Questions []string
	// Popular is how many of the questions that callers have asked most are asked again, as those callers would.
	Popular int
}

// Warmer asks questions before callers do, so that these find the answers cached: when the server has started, and when documents have
// changed or cached results were invalidated.
type Warmer struct {
	Service *Service
	// Settings are read for each round.
	Settings func() WarmSettings
	// Turn waits until a question may be asked, after those of callers, and returns what ends its turn; an error leaves it out.
	Turn func(ctx context.Context) (end func(), err error)
	// OnRound is told how many questions a round has asked, and how many of them failed; may be nil.
	OnRound func(asked, failed int)

	// warmed is the state that each tenant's questions were last asked under, changed since when another is seen.
	warmed  map[string]State
	changed map[string]seenState
}

// seenState is a state of documents and when it was first seen.
type seenState struct {
	state State
	at    time.Time
}

// Run asks until ctx ends.
func (w *Warmer) Run(ctx context.Context) {
	tick := time.NewTicker(warmEvery)
	defer tick.Stop()
	for {
		w.round(ctx, time.Now())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// round asks what is due at now.
func (w *Warmer) round(ctx context.Context, now time.Time) {
	settings := w.Settings()
	due := map[string]bool{}
	asked, failed := 0, 0
	for _, p := range w.questions(settings) {
		tenant := p.id.Tenant
		if _, judged := due[tenant]; !judged {
			due[tenant] = w.due(ctx, tenant, now)
		}
		if !due[tenant] || ctx.Err() != nil {
			continue
		}
		if asked++; w.ask(ctx, p) != nil {
			failed++
		}
	}
	for tenant, was := range due {
		if was {
			w.warmed[tenant] = w.changed[tenant].state
		}
	}
	if asked > 0 && w.OnRound != nil {
		w.OnRound(asked, failed)
	}
}

// questions are those of the settings, then the most popular ones.
func (w *Warmer) questions(settings WarmSettings) []popularQuestion {
	var all []popularQuestion
	for _, question := range settings.Questions {
		all = append(all, popularQuestion{id: Identity{Tenant: DefaultTenant, Role: RoleClient}, request: AskRequest{Query: question}})
	}
	return append(all, w.Service.popular.most(settings.Popular)...)
}

// due reports whether a tenant's documents, or what may be served of its answers, are other than when its questions were last asked, and have
// been so for a while.
func (w *Warmer) due(ctx context.Context, tenant string, now time.Time) bool {
	if w.warmed == nil {
		w.warmed, w.changed = map[string]State{}, map[string]seenState{}
	}
	state := w.Service.Control.Current(ctx, tenant)
	if !state.Confirmed || state.Open {
		return false
	}
	state.Answers = &AnswerTokens{All: state.Answers.Tenant()} // those of single documents are too small a change
	if last, ok := w.warmed[tenant]; ok && sameState(last, state) {
		return false
	}
	if seen, ok := w.changed[tenant]; !ok || !sameState(seen.state, state) {
		w.changed[tenant] = seenState{state, now}
	}
	return now.Sub(w.changed[tenant].at) >= warmAfter
}

func sameState(a, b State) bool {
	return a.Token == b.Token && a.Index == b.Index && a.Answers.Tenant() == b.Answers.Tenant()
}

func (w *Warmer) ask(ctx context.Context, p popularQuestion) error {
	ctx, cancel := context.WithTimeout(ctx, warmTimeout)
	defer cancel()
	end, err := w.Turn(ctx)
	if err != nil {
		return err
	}
	defer end()
	_, err = w.Service.Ask(ctx, p.id, p.request, RequestOptions{})
	return err
}
