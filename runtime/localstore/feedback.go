package localstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/query"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	feedbackName = "feedback"
	// fieldOrder holds terms in whose order a tenant's feedback is listed.
	fieldOrder = "order"
	// forgetAtOnce is how many are removed in a batch, and forgetTenants of how many tenants that have too much in a round.
	forgetAtOnce  = 1000
	forgetTenants = 100
)

func feedbackMapping() mapping.IndexMapping {
	return newMapping(map[string]*mapping.FieldMapping{
		fieldTenant: sortedField(), fieldOrder: sortedField(), fieldAt: numberField(), fieldSource: keptField(),
	})
}

// feedbackOrder is the term of a place: later comes first, then the trace, which has 32 characters, and the caller.
func feedbackOrder(p rag.FeedbackPlace) string {
	return fmt.Sprintf("%016x", math.MaxInt64-p.At) + p.TraceID + p.By
}

// feedbackSource is feedback as it is kept.
type feedbackSource struct {
	TraceID string  `json:"trace_id"`
	Score   float64 `json:"score"`
	Comment string  `json:"comment,omitempty"`
	By      string  `json:"by"`
	At      int64   `json:"at"`
}

// openFeedback opens the feedback, or makes its index. A damaged one is moved away, for whoever has a use for it: the documents are whole.
func (s *Store) openFeedback(dir string, damaged func(error)) error {
	if dir != "" {
		whole := filepath.Join(dir, feedbackName)
		if err := s.moveDamaged(whole, damaged); err != nil {
			return err
		}
		if _, err := os.Stat(whole); errors.Is(err, os.ErrNotExist) {
			if err := s.makeIndex(dir, feedbackName, feedbackMapping()); err != nil {
				return err
			}
		}
	}
	var err error
	s.feedback, err = openIndex(dir, feedbackName, feedbackMapping(), s.disk)
	return err
}

// moveDamaged gives an index that is not what was written another name, and says so.
func (s *Store) moveDamaged(whole string, damaged func(error)) error {
	if _, err := os.Stat(whole); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	err := checkIndex(whole)
	if _, is := errors.AsType[*damage](err); !is {
		return err
	}
	aside := whole + ".damaged-" + s.now().UTC().Format("20060102T150405.000")
	if err := os.Rename(whole, aside); err != nil {
		return fmt.Errorf("move damaged feedback away: %w", err)
	}
	damaged(fmt.Errorf("%w; it belongs to the feedback, and no document is touched: the folder is now %s, and feedback begins anew; to have it "+
		"back, stop the server and put the folder of a backup in the place of %s", err, aside, whole))
	return nil
}

// PutFeedback keeps f under its tenant, trace and caller.
func (s *Store) PutFeedback(ctx context.Context, tenant string, f rag.Feedback) error {
	return s.exclusively(ctx, func() error {
		if err := s.admit(len(f.Comment)); err != nil {
			return err
		}
		kept := feedbackSource{TraceID: f.TraceID, Score: f.Score, Comment: f.Comment, By: f.By, At: f.At.UnixMilli()}
		batch := s.feedback.NewBatch()
		err := put(batch, recordKey(tenant, f.TraceID+"\x00"+f.By), kept, map[string]any{
			fieldTenant: tenant, fieldAt: kept.At, fieldOrder: feedbackOrder(rag.FeedbackPlace{At: kept.At, TraceID: f.TraceID, By: f.By}),
		})
		if err != nil {
			return err
		}
		return s.apply(s.feedback, batch)
	})
}

// ListFeedback lists a tenant's feedback from behind a place.
func (s *Store) ListFeedback(ctx context.Context, tenant string, after *rag.FeedbackPlace, most int) ([]rag.Feedback, error) {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	request := inFeedbackOrder(exactly(fieldTenant, tenant), 0, most)
	if after != nil {
		request.SetSearchAfter([]string{feedbackOrder(*after)})
	}
	answer, err := s.feedback.SearchInContext(ctx, request)
	if err != nil {
		return nil, mapError(ctx, err)
	}
	var all []rag.Feedback
	for _, match := range answer.Hits {
		var f feedbackSource
		there, err := read(s.feedback, match.ID, &f)
		if err != nil {
			return nil, mapError(ctx, err)
		}
		if there { // else it was removed since the search
			all = append(all, rag.Feedback{TraceID: f.TraceID, Score: f.Score, Comment: f.Comment, By: f.By, At: time.UnixMilli(f.At)})
		}
	}
	return all, nil
}

func inFeedbackOrder(which query.Query, from, size int) *bleve.SearchRequest {
	request := bleve.NewSearchRequestOptions(which, size, from, false)
	request.SortByCustom(search.SortOrder{&search.SortField{Field: fieldOrder, Type: search.SortFieldAsString}})
	return request
}

// ForgetFeedback removes what is too old, and what of tenants is too much: of those that have most.
func (s *Store) ForgetFeedback(ctx context.Context, before time.Time, newest int) error {
	return s.exclusively(ctx, func() error {
		until := float64(before.UnixMilli())
		old := bleve.NewNumericRangeQuery(nil, &until)
		old.SetField(fieldAt)
		if err := s.removeFeedback(ctx, old, 0); err != nil {
			return err
		}
		request := bleve.NewSearchRequestOptions(bleve.NewMatchAllQuery(), 0, 0, false)
		request.AddFacet(fieldTenant, bleve.NewFacetRequest(fieldTenant, forgetTenants))
		counted, err := s.feedback.SearchInContext(ctx, request)
		if err != nil {
			return err
		}
		for _, tenant := range counted.Facets[fieldTenant].Terms.Terms() {
			if tenant.Count <= newest {
				continue
			}
			if err := s.removeFeedback(ctx, exactly(fieldTenant, tenant.Term), newest); err != nil {
				return err
			}
		}
		return nil
	})
}

// removeFeedback removes, of what is found, all but the first ones.
func (s *Store) removeFeedback(ctx context.Context, which query.Query, first int) error {
	for {
		found, err := s.feedback.SearchInContext(ctx, inFeedbackOrder(which, first, forgetAtOnce))
		if err != nil || len(found.Hits) == 0 {
			return err
		}
		batch := s.feedback.NewBatch()
		for _, match := range found.Hits {
			batch.Delete(match.ID)
		}
		if err := s.apply(s.feedback, batch); err != nil {
			return err
		}
	}
}
