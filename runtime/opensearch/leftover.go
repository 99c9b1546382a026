package opensearch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// leftoversEvery is how often a replica looks for what a rebuild has left that was killed, when no write has met it.
const leftoversEvery = 10 * time.Minute

// leftoversAgain passes after an error, which may last: of an index that is in a snapshot which is being taken nothing can be deleted.
const leftoversAgain = 10 * time.Second

// runLeftovers ends rebuilds and restores that were killed, and of which no server of their version may be left: at once when a write finds
// the index closed to writes or the alias names another index than the control document, else at the start and rarely.
func (s *Store) runLeftovers(ctx context.Context) {
	var last time.Time
	for pause(ctx, rebuildPause) == nil {
		if time.Since(last) < leftoversEvery && !s.metSwap.Load() && !s.halfSwapped(ctx) {
			continue
		}
		held, err := s.Lease(ctx, rebuildLease, rebuildTTL, s.endRebuild) // nobody who rebuilds lives
		switch {
		case err != nil:
			_ = pause(ctx, leftoversAgain) // ends early with ctx
		case held:
			s.metSwap.Store(false)
			last = time.Now()
		}
	}
}

// halfSwapped says that the alias names another index than the control document: what is cached is of one, and what is found of the other.
func (s *Store) halfSwapped(ctx context.Context) bool {
	known := s.knownIndex()
	aliased, err := s.aliasedIndex(ctx)
	return err == nil && known != "" && aliased != "" && aliased != known
}

// endRebuild makes the index that the alias names the one in use, opens it to writes where a rebuild has closed it, and deletes the others
// of this service. A rebuild that has closed an index leaves the next one beside it: without one, somebody else has closed it.
func (s *Store) endRebuild(ctx context.Context) error {
	known, err := s.readControl(ctx, s.timeout)
	if err != nil {
		return err
	}
	aliased, err := s.aliasedIndex(ctx)
	if err != nil || aliased == "" {
		return err
	}
	left, err := s.indicesBeside(ctx, aliased)
	if err != nil {
		return fmt.Errorf("look for indices that are left: %w", err)
	}
	switch {
	case aliased != known.Source.Index: // killed when only the control document was left to write
		err = s.changeControl(ctx, func(d *rag.ControlDocument) bool {
			d.SwapIndex(aliased, s.versionOf(aliased), d.Embedding)
			return true
		})
	case len(left) > 0:
		err = s.blockWrites(ctx, aliased, false)
	}
	if err != nil {
		return fmt.Errorf("end a rebuild that was killed: %w", err)
	}
	return s.deleteIndices(ctx, left)
}

// versionForm is how indexVersion looks: the mapping, the analyser, its languages, more shards than one. It ends an index's name, before
// what a restore adds.
var (
	versionForm     = regexp.MustCompile(`^\d+-\d+(-[a-z]{2,3})+(-\d+)?$`)
	restorationForm = regexp.MustCompile(`-r\d+$`)
)

// versionOf is the version of an index of this service, by its name.
func (s *Store) versionOf(index string) string {
	return restorationForm.ReplaceAllString(strings.TrimPrefix(index, s.indexName("")), "")
}

// indicesBeside are the documents' indices of this service but one. Those of other services may begin with the same words.
func (s *Store) indicesBeside(ctx context.Context, used string) ([]string, error) {
	var found map[string]struct{}
	err := s.do(ctx, call{
		operation: "ensure", method: http.MethodGet, repeatable: true,
		request: func() opensearch.Request { return opensearchapi.AliasGetReq{Indices: []string{s.indexName("*")}} },
	}, &found)
	var beside []string
	for name := range found {
		if name != used && versionForm.MatchString(s.versionOf(name)) {
			beside = append(beside, name)
		}
	}
	return beside, err
}

func (s *Store) deleteIndices(ctx context.Context, names []string) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, s.deleteIndex(ctx, name))
	}
	return errors.Join(errs...)
}
