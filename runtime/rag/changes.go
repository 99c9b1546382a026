package rag

import (
	"context"
	"errors"
	"time"
)

const (
	// finishTimeout bounds one try at making a change visible, which goes on when the caller has left. It is longer than the
	// store takes to make megabytes searchable at its slowest, 30 s.
	finishTimeout = 40 * time.Second
	// finishPause is between the attempts of a finish that nobody waits for.
	finishPause = time.Second
)

// finish makes what was written visible, on every replica when the caller waits for it. It refreshes even when nothing
// was written: the same documents may have been sent before, by a caller who did not wait. What fails is tried again in
// the background, as is all of it when nobody waits.
func (s *Service) finish(ctx context.Context, change Change, opt IngestOptions) error {
	if !opt.Refresh {
		s.publishLater(ctx, change)
		return nil
	}
	if err := s.publishOrLater(ctx, change); err != nil {
		return err
	}
	return s.Control.Settle(ctx)
}

// publishOrLater publishes, whether or not the caller has left. When that fails it is tried again in the background.
func (s *Service) publishOrLater(ctx context.Context, change Change) error {
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	err := s.publish(detached, change)
	if err != nil {
		s.publishLater(ctx, change)
	}
	return err
}

// publish draws the token after the refresh: what was found before it is not served after it.
func (s *Service) publish(ctx context.Context, change Change) error {
	if err := s.Documents.Refresh(ctx); err != nil {
		return err
	}
	return change.Publish(ctx)
}

// publishLater publishes in the background, in as many attempts as finishTimeout allows. Then the change is left to be
// closed as abandoned.
func (s *Service) publishLater(ctx context.Context, change Change) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	s.background.Go(func() {
		defer cancel()
		defer change.Abandon()
		for s.publish(ctx, change) != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(finishPause):
			}
		}
	})
}

// DeleteDocument removes a document. When it returns, no request that starts afterwards sees the document on any
// replica, in a search or in an answer. Once begun, it goes on when the caller has left.
func (s *Service) DeleteDocument(ctx context.Context, id Identity, documentID string) error {
	if err := ValidateDocumentID(documentID); err != nil {
		return err
	}
	s.background.Add(1)
	defer s.background.Done()
	change, err := s.Control.Begin(ctx, id.Tenant)
	if err != nil {
		return err
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	err = s.Documents.Delete(detached, id.Tenant, documentID)
	if err != nil && !errors.Is(err, ErrPaperNotFound) {
		s.publishLater(ctx, change) // it may have been deleted in part, or whole and not be visible; the sweeper does the rest
		return err
	}
	// Delete has refreshed.
	if publishErr := change.Publish(detached); publishErr != nil {
		s.publishLater(ctx, change)
		return errors.Join(err, publishErr)
	}
	if err != nil {
		return err
	}
	s.Forgetter.Forget(detached, Invalidation{Tenant: id.Tenant, DocumentID: documentID})
	return s.Control.Settle(ctx)
}

// Document returns a document of the caller's tenant with its passages.
func (s *Service) Document(ctx context.Context, id Identity, documentID string) (ChunkedDocument, error) {
	if err := ValidateDocumentID(documentID); err != nil {
		return ChunkedDocument{}, err
	}
	return s.Documents.Document(ctx, id.Tenant, documentID)
}

// CountDocuments is the number of documents of the caller's tenant.
func (s *Service) CountDocuments(ctx context.Context, id Identity) (int, error) {
	return s.Documents.Count(ctx, id.Tenant)
}
