package opensearch

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"
)

var errNoDisk = errors.New("no node tells of its disk")

// DiskUsed is how full the fullest disk of a data node is, in percent, rounded up. What is reserved for root counts as used, as
// OpenSearch's own watermarks have it.
func (s *Store) DiskUsed(ctx context.Context) (percent int64, err error) {
	var answer struct {
		Nodes map[string]struct {
			FS struct {
				Total struct {
					Total     int64 `json:"total_in_bytes"`
					Available int64 `json:"available_in_bytes"`
				} `json:"total"`
			} `json:"fs"`
		} `json:"nodes"`
	}
	err = s.do(ctx, call{
		operation: "disk", method: http.MethodGet, control: true,
		request: func() opensearch.Request {
			return opensearchapi.NodesStatsReq{NodeID: []string{"data:true"}, Metric: []string{"fs"}, Params: opensearchapi.NodesStatsParams{
				FilterPath: []string{"nodes.*.fs.total.total_in_bytes", "nodes.*.fs.total.available_in_bytes"},
			}}
		},
	}, &answer)
	if err != nil {
		return 0, err
	}
	for _, node := range answer.Nodes {
		if disk := node.FS.Total; disk.Total > 0 && disk.Available >= 0 && disk.Available <= disk.Total {
			// In steps of 1/100 of the disk, since a hundred times its bytes might not fit.
			percent = max(percent, 1, 100-disk.Available/max(1, disk.Total/100))
		}
	}
	if percent <= 0 {
		return 0, errNoDisk
	}
	return percent, nil
}

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
