package opensearch

import (
	"context"
	"errors"
	"net/http"

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
