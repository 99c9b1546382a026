package opensearch

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"
)

// layout is how an index is spread over nodes.
type layout struct{ shards, replicas int }

// runCopies gives the indices the number of copies that is wanted: when this server starts, when that number changes, and when
// another index is in use. It does not look in between: while a change reaches one server after the other, two of them would
// undo each other's.
func (s *Store) runCopies(ctx context.Context) {
	type state struct {
		index    string
		replicas int
	}
	var reached state
	for pause(ctx, rebuildPause) == nil {
		now := state{index: s.knownIndex(), replicas: s.replicas()}
		if now.index == "" || now == reached {
			continue
		}
		err := s.copies(ctx, now.replicas, now.index, s.controlIndex())
		if err == nil {
			err = s.feedbackCopies(ctx, now.replicas)
		}
		if err == nil { // else again
			reached = now
		}
	}
}

// feedbackCopies is copies of the index of feedback, which is made with the first one, of as many copies as are wanted then.
func (s *Store) feedbackCopies(ctx context.Context, wanted int) error {
	if err := s.copies(ctx, wanted, s.feedbackIndex()); !answered(err, http.StatusNotFound) {
		return err
	}
	return nil
}

// copies writes the number of copies of indices that have another one.
func (s *Store) copies(ctx context.Context, wanted int, indices ...string) error {
	for _, index := range indices {
		found, err := s.layout(ctx, index)
		if err != nil {
			return err
		}
		if found.replicas == wanted {
			continue
		}
		err = s.do(ctx, call{
			operation: "ensure", method: http.MethodPut, control: true,
			request: func() opensearch.Request {
				return opensearchapi.SettingsPutReq{
					Indices: []string{index}, Body: strings.NewReader(fmt.Sprintf(`{"index.number_of_replicas": %d}`, wanted)),
				}
			},
		}, nil)
		if err != nil {
			return fmt.Errorf("change the copies of %s: %w", index, err)
		}
	}
	return nil
}

// layout reads that of one index.
func (s *Store) layout(ctx context.Context, index string) (layout, error) {
	var answer map[string]struct {
		Settings struct {
			Index struct {
				Shards   string `json:"number_of_shards"`
				Replicas string `json:"number_of_replicas"`
			} `json:"index"`
		} `json:"settings"`
	}
	err := s.do(ctx, call{
		operation: "ensure", method: http.MethodGet, repeatable: true, control: true,
		request: func() opensearch.Request { return opensearchapi.SettingsGetReq{Indices: []string{index}} },
	}, &answer)
	if err != nil {
		return layout{}, fmt.Errorf("read the settings of %s: %w", index, err)
	}
	settings := answer[index].Settings.Index
	shards, shardsErr := strconv.Atoi(settings.Shards)
	replicas, replicasErr := strconv.Atoi(settings.Replicas)
	if shardsErr != nil || replicasErr != nil {
		return layout{}, unavailable(fmt.Errorf("the settings of %s: %w", index, errUnreadable))
	}
	return layout{shards, replicas}, nil
}
