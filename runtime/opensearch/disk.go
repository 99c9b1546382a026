package opensearch

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"
)

// WritesBlocked says whether a block of OpenSearch keeps documents from being written: of the whole cluster, or of an index of
// this Store. OpenSearch itself sets one when a disk is full, administrators set others. That of a rebuild does not count.
func (s *Store) WritesBlocked(ctx context.Context) (bool, error) {
	type blocks map[string]struct {
		Levels []string `json:"levels"`
	}
	var answer struct {
		Blocks struct {
			Global  blocks            `json:"global"`
			Indices map[string]blocks `json:"indices"`
		} `json:"blocks"`
	}
	index := s.knownIndex()
	of := []string{"blocks.global.*.levels", "blocks.indices." + s.controlIndex() + ".*.levels"}
	if index != "" && s.current.Load() { // else it is being rebuilt
		of = append(of, "blocks.indices."+index+".*.levels")
	}
	err := s.do(ctx, call{
		operation: "blocks", method: http.MethodGet, control: true,
		request: func() opensearch.Request {
			return opensearchapi.ClusterStateReq{Metrics: []string{"blocks"}, Params: opensearchapi.ClusterStateParams{FilterPath: of}}
		},
	}, &answer)
	if err != nil {
		return false, err
	}
	for _, all := range append(slices.Collect(maps.Values(answer.Blocks.Indices)), answer.Blocks.Global) {
		for _, block := range all {
			if slices.Contains(block.Levels, "write") {
				return true, nil
			}
		}
	}
	return false, nil
}
