package rag

import (
	"context"
	"errors"
	"slices"
	"time"
)

const (
	// sweepAge is how long ago a write or deletion must have begun to count as abandoned.
	sweepAge = time.Minute
	// sweepEvery is between two rounds.
	sweepEvery = time.Minute
	// sweepRetry is between two tries of a round that failed: soon, for the store may just be starting.
	sweepRetry = 5 * time.Second
	// sweepLease is the name of the lease under which one replica sweeps, and sweepTTL how long it outlives its holder.
	sweepLease = "sweep"
	sweepTTL   = 30 * time.Second
)

// Sweeper ends writes and deletions that a killed server left half done: until then a search may show what Document does
// not. It also removes feedback that is to be kept no longer. One replica sweeps at a time.
type Sweeper struct {
	Documents DocumentStore
	Control   Control
	Forgetter Forgetter
	Feedback  FeedbackStore
	// OnRecover is told of each document that was mended, and of each that could not be, with the error.
	OnRecover func(u Unfinished, err error)
	// OnFailure is told when a round ended with an error of the store.
	OnFailure func(err error)
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	// forgotAt is when this replica last looked for feedback to be removed.
	forgotAt time.Time
}

// Run sweeps at once and every minute, until ctx ends.
func (s *Sweeper) Run(ctx context.Context) {
	for {
		wait := sweepEvery
		if _, err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			wait = sweepRetry
			if s.OnFailure != nil {
				s.OnFailure(err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// Sweep makes one round, unless another replica does: then swept is false.
func (s *Sweeper) Sweep(ctx context.Context) (swept bool, err error) {
	return s.Control.Lease(ctx, sweepLease, sweepTTL, s.sweep)
}

func (s *Sweeper) sweep(ctx context.Context) error {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	at := now()
	return errors.Join(s.recoverBefore(ctx, at.Add(-sweepAge)), s.forgetFeedback(ctx, at))
}

func (s *Sweeper) recoverBefore(ctx context.Context, before time.Time) error {
	seen := map[Unfinished]bool{}
	for {
		unfinished, err := s.Documents.Unfinished(ctx, before)
		if err != nil {
			return err
		}
		unfinished = slices.DeleteFunc(unfinished, func(u Unfinished) bool { return seen[u] })
		if len(unfinished) == 0 {
			return nil
		}
		for _, u := range unfinished {
			seen[u] = true // tried once a round
		}
		if err := s.recoverAll(ctx, unfinished); err != nil {
			return err // what is left is tried in the next round
		}
	}
}

// recoverAll recovers each document in a change of its tenant. An error of one does not stop the others.
func (s *Sweeper) recoverAll(ctx context.Context, unfinished []Unfinished) error {
	byTenant := map[string][]Unfinished{}
	for _, u := range unfinished {
		byTenant[u.Tenant] = append(byTenant[u.Tenant], u)
	}
	var errs []error
	for tenant, some := range byTenant {
		errs = append(errs, s.recoverTenant(ctx, tenant, some))
	}
	return errors.Join(errs...)
}

func (s *Sweeper) recoverTenant(ctx context.Context, tenant string, unfinished []Unfinished) error {
	change, err := s.Control.Begin(ctx, tenant)
	if err != nil {
		return err
	}
	defer change.Abandon()
	var errs []error
	for _, u := range unfinished {
		err := s.Documents.Recover(ctx, u)
		if s.OnRecover != nil {
			s.OnRecover(u, err)
		}
		errs = append(errs, err)
	}
	if err := s.Documents.Refresh(ctx); err != nil {
		return errors.Join(append(errs, err)...) // the change is closed as abandoned, after a refresh
	}
	if err := errors.Join(append(errs, change.Publish(ctx))...); err != nil {
		return err
	}
	for _, u := range unfinished {
		if u.Kind == UnfinishedDeletion {
			s.Forgetter.Forget(ctx, Invalidation{Tenant: tenant, DocumentID: u.ID})
		}
	}
	return nil
}
