package opensearch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

const (
	// pollEvery is how often a replica reads the control document; a fifth of it is jitter.
	pollEvery = 250 * time.Millisecond
	// confirmedFor is how long a token counts as confirmed, from the moment before it was asked for. It is also how long
	// an answer is waited for, since a later one confirms nothing.
	confirmedFor = 500 * time.Millisecond
	// downAfter is how long OpenSearch may be silent before it counts as down.
	downAfter = CallTimeout
	// primary reads where writes are decided: another copy may be behind, and tell an older state after a newer one.
	primary = "_primary"
	// controlID is the id of the control document.
	controlID = "control"
	// controlAttempts is how often a change of the control document is tried when other replicas come first. Between two
	// of them is a random pause of up to controlPause.
	controlAttempts = 20
	controlPause    = 50 * time.Millisecond
)

// control is what this replica knows of the control document.
type control struct {
	// changing is held by the one change of this replica that is under way: others would only collide with it.
	changing chan struct{}

	mu sync.Mutex
	// known is the document as it was last told; without a base token it was never.
	known versionedControl
	// confirmed is the moment before the request that told it.
	confirmed time.Time
	// written is the moment of the answer to this replica's last change. What was asked for before then is older news.
	written time.Time
	// asked and answered are the moments of the first poll and of the last answer.
	asked, answered time.Time
	// fault is how the last poll failed; empty when it did not.
	fault string
	// cause is why, more closely.
	cause string
	// writers are the changes that this replica has begun and not ended.
	writers map[string]*change
	// abandoned tells which changes show no sign of their writer.
	abandoned abandonedWriters
}

// versionedControl is a control document with its place in the order of changes.
type versionedControl struct {
	Source      rag.ControlDocument `json:"_source"`
	SeqNo       int64               `json:"_seq_no"`
	PrimaryTerm int64               `json:"_primary_term"`
}

func newControl() control {
	return control{changing: make(chan struct{}, 1), writers: map[string]*change{}, abandoned: abandonedWriters{}}
}

// Current is the state that the last poll told, and whether that was asked for less than 500 ms ago.
func (s *Store) Current(_ context.Context, tenant string) rag.State {
	c := &s.control
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known.Source.Base == "" {
		return rag.State{}
	}
	state := c.known.Source.State(tenant)
	if state.Confirmed = time.Since(c.confirmed) < confirmedFor; !state.Confirmed {
		state.LastConfirmed = c.confirmed
	}
	return state
}

// knownIndex is the index in use as the control document last told; empty before it did.
func (s *Store) knownIndex() string {
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	return s.control.known.Source.Index
}

// Settle returns 500 ms after the answer to the last change: by then no replica serves under an older token, for each
// either knows the new one or has been without confirmation for too long.
func (s *Store) Settle(ctx context.Context) error {
	s.control.mu.Lock()
	wait := time.Until(s.control.written.Add(confirmedFor))
	s.control.mu.Unlock()
	return pause(ctx, wait)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// State is what is known of OpenSearch: up when it answered a poll within the last 5 s, and down as soon as requests are
// refused for it.
func (s *Store) State() resilience.Health {
	c := &s.control
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case s.guard.Health() == resilience.HealthDown:
		return resilience.HealthDown
	case time.Since(c.answered) < downAfter:
		return resilience.HealthUp
	case c.asked.IsZero(), time.Since(c.asked) < downAfter:
		return resilience.HealthUnknown
	default:
		return resilience.HealthDown
	}
}

// Fault is why the last poll failed, as in metrics: "foreign_store", or the code of an error. It is empty when it did not.
func (s *Store) Fault() string {
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	return s.control.fault
}

// Cause is why the last poll failed, more closely than metrics tell it; empty when it did not.
func (s *Store) Cause() string {
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	return s.control.cause
}

// poll reads the control document once. While the indices could not be made ready, for ensureErr, OpenSearch is no use, whatever it answers.
func (s *Store) poll(ctx context.Context, ensureErr error) error {
	sent := time.Now()
	found, err := s.readControl(ctx, confirmedFor)
	s.learn(found, sent, err == nil && ensureErr == nil)
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	s.control.fault, s.control.cause = "", ""
	if failed := cmp.Or(err, ensureErr); failed != nil {
		s.control.fault, s.control.cause = Outcome(failed), cause(failed)
	}
	return err
}

func (s *Store) readControl(ctx context.Context, timeout time.Duration) (versionedControl, error) {
	var found versionedControl
	err := s.doWithin(ctx, timeout, call{
		operation: "control", method: http.MethodGet, control: true,
		request: func() opensearch.Request {
			return opensearchapi.DocumentGetReq{
				Index: s.controlIndex(), DocumentID: controlID, Params: opensearchapi.DocumentGetParams{Preference: primary},
			}
		},
	}, &found)
	if err == nil && found.Source.Base == "" {
		err = unavailable(errors.New("OpenSearch answered a control document without a token"))
	}
	return found, err
}

// learn takes up what a request that was sent at sent has told.
func (s *Store) learn(found versionedControl, sent time.Time, ok bool) {
	c := &s.control
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked.IsZero() {
		c.asked = sent
	}
	if !ok {
		return
	}
	c.answered = time.Now()
	if sent.After(c.written) && sent.After(c.confirmed) {
		c.known, c.confirmed = found, sent
		c.abandoned.see(&c.known.Source, c.answered)
	}
}

// changeControl changes the control document, after every change that came before. do may be called more than once, each
// time with a copy of the newest document; without a change it returns false, and nothing is written. An error says that
// the change may have been made or not.
func (s *Store) changeControl(ctx context.Context, do func(*rag.ControlDocument) bool) error {
	select {
	case s.control.changing <- struct{}{}:
		defer func() { <-s.control.changing }()
	case <-ctx.Done():
		return mapError(ctx, s.timeout, ctx.Err())
	}
	s.control.mu.Lock()
	base := s.control.known
	s.control.mu.Unlock()
	for attempt := range controlAttempts {
		if attempt > 0 || base.Source.Base == "" {
			sent := time.Now()
			var err error
			if base, err = s.readControl(ctx, s.timeout); err != nil {
				return err
			}
			s.learn(base, sent, true)
		}
		changed := base.Source.Clone()
		if !do(&changed) {
			return nil
		}
		err := s.replaceControl(ctx, base, changed)
		if !answered(err, http.StatusConflict) {
			return err
		}
		if err := pause(ctx, rand.N(controlPause)); err != nil { //nolint:gosec // jitter
			return mapError(ctx, s.timeout, err)
		}
	}
	return unavailable(errContended)
}

// replaceControl writes the document unless another replica came first.
func (s *Store) replaceControl(ctx context.Context, before versionedControl, after rag.ControlDocument) error {
	seqNo, primaryTerm := int(before.SeqNo), int(before.PrimaryTerm)
	sent := time.Now()
	written, err := s.putControl(ctx, after, opensearchapi.IndexParams{IfSeqNo: &seqNo, IfPrimaryTerm: &primaryTerm})
	if err != nil {
		return err
	}
	c := &s.control
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known, c.confirmed, c.written = written, sent, time.Now()
	return nil
}

func (s *Store) putControl(ctx context.Context, d rag.ControlDocument, params opensearchapi.IndexParams) (versionedControl, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return versionedControl{}, err
	}
	written := versionedControl{}
	err = s.do(ctx, call{
		operation: "control", method: http.MethodPut, control: true,
		request: func() opensearch.Request {
			return opensearchapi.IndexReq{Index: s.controlIndex(), DocumentID: controlID, Body: bytes.NewReader(body), Params: params}
		},
	}, &written)
	written.Source = d
	return written, err
}

// firstControl writes the control document unless there is one.
func (s *Store) firstControl(ctx context.Context, index string) error {
	_, err := s.putControl(ctx, rag.NewControlDocument(index, s.versionOf(index)), opensearchapi.IndexParams{OpType: "create"})
	if answered(err, http.StatusConflict) {
		return nil
	}
	return err
}
