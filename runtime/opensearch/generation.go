package opensearch

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

const (
	// pollEvery is how often a replica reads the generation; a fifth of it is jitter.
	pollEvery = 250 * time.Millisecond
	// confirmedFor is how long a token counts as confirmed, from the moment before it was asked for. It is also how long
	// an answer is waited for, since a later one confirms nothing.
	confirmedFor = 500 * time.Millisecond
	// downAfter is how long OpenSearch may be silent before it counts as down.
	downAfter = CallTimeout
	// generationID is the id of the control document.
	generationID = "generation"
)

// generation is what this replica knows of the generation.
type generation struct {
	mu    sync.Mutex
	token rag.Generation
	// confirmed is the moment before the request that last told the token.
	confirmed time.Time
	// raised is the moment of the answer to this replica's last Raise. What was asked for before then is older news.
	raised time.Time
	// asked and answered are the moments of the first poll and of the last answer.
	asked, answered time.Time
}

type generationDocument struct {
	Token rag.Generation `json:"token"`
}

// Current is the token that the last poll told, and whether it was asked for less than 500 ms ago.
func (s *Store) Current(context.Context) (rag.Generation, bool) {
	g := &s.generation
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.token, g.token != "" && time.Since(g.confirmed) < confirmedFor
}

// Raise writes a new random token. On this replica it holds at once, on the others within 500 ms.
func (s *Store) Raise(ctx context.Context) error {
	token, sent := rag.Generation(rand.Text()), time.Now()
	if err := s.putGeneration(ctx, token, ""); err != nil {
		return err
	}
	g := &s.generation
	g.mu.Lock()
	defer g.mu.Unlock()
	g.token, g.confirmed, g.raised = token, sent, time.Now()
	return nil
}

// Settle returns 500 ms after the answer to the last Raise: by then no replica serves under an older token, for each
// either knows the new one or has been without confirmation for too long.
func (s *Store) Settle(ctx context.Context) error {
	s.mu.Lock()
	wait := time.Until(s.raised.Add(confirmedFor))
	s.mu.Unlock()
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// State is what is known of OpenSearch: up when it answered a poll within the last 5 s.
func (s *Store) State() telemetry.DependencyState {
	g := &s.generation
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case time.Since(g.answered) < downAfter:
		return telemetry.DependencyUp
	case g.asked.IsZero(), time.Since(g.asked) < downAfter:
		return telemetry.DependencyUnknown
	default:
		return telemetry.DependencyDown
	}
}

// poll reads the generation once.
func (s *Store) poll(ctx context.Context) error {
	sent := time.Now()
	var found struct {
		Source generationDocument `json:"_source"`
	}
	err := s.doWithin(ctx, confirmedFor, call{
		operation: "generation", method: http.MethodGet,
		request: func() opensearch.Request {
			return opensearchapi.DocumentGetReq{Index: s.controlIndex(), DocumentID: generationID}
		},
	}, &found)
	s.learn(found.Source.Token, sent, err == nil)
	return err
}

// learn takes up what a poll that was sent at sent has told.
func (s *Store) learn(token rag.Generation, sent time.Time, ok bool) {
	g := &s.generation
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asked.IsZero() {
		g.asked = sent
	}
	if !ok {
		return
	}
	g.answered = time.Now()
	if token != "" && sent.After(g.raised) {
		g.token, g.confirmed = token, sent
	}
}

// firstGeneration writes a token unless there is one.
func (s *Store) firstGeneration(ctx context.Context) error {
	err := s.putGeneration(ctx, rag.Generation(rand.Text()), "create")
	if answered(err, http.StatusConflict) {
		return nil
	}
	return err
}

func (s *Store) putGeneration(ctx context.Context, token rag.Generation, opType string) error {
	body := `{"token":"` + string(token) + `"}`
	return s.do(ctx, call{
		operation: "generation", method: http.MethodPut,
		request: func() opensearch.Request {
			return opensearchapi.IndexReq{
				Index: s.controlIndex(), DocumentID: generationID, Body: strings.NewReader(body),
				Params: opensearchapi.IndexParams{OpType: opType},
			}
		},
	}, nil)
}
