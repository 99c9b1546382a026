package opensearch

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// nodeStats are the parts that are read of what a node says
// (https://docs.opensearch.org/latest/api-reference/nodes-apis/nodes-stats/).
type nodeStats struct {
	Name    string `json:"name"`
	Process struct {
		CPU struct {
			Total int64 `json:"total_in_millis"`
		} `json:"cpu"`
	} `json:"process"`
	JVM struct {
		Memory struct {
			Used int64 `json:"heap_used_in_bytes"`
			Max  int64 `json:"heap_max_in_bytes"`
		} `json:"mem"`
	} `json:"jvm"`
	FS struct {
		Total struct {
			Total     int64 `json:"total_in_bytes"`
			Available int64 `json:"available_in_bytes"`
		} `json:"total"`
	} `json:"fs"`
	Transport struct {
		Received int64 `json:"rx_size_in_bytes"`
		Sent     int64 `json:"tx_size_in_bytes"`
	} `json:"transport"`
	Indices struct {
		Docs struct {
			Count int64 `json:"count"`
		} `json:"docs"`
		Indexing struct {
			Total int64 `json:"index_total"`
		} `json:"indexing"`
		Search struct {
			Total  int64 `json:"query_total"`
			Millis int64 `json:"query_time_in_millis"`
		} `json:"search"`
	} `json:"indices"`
}

// nodeFields are those of nodeStats: the whole of what a node says has some 30 KB.
var nodeFields = []string{
	"nodes.*.name",
	"nodes.*.process.cpu.total_in_millis",
	"nodes.*.jvm.mem.heap_used_in_bytes", "nodes.*.jvm.mem.heap_max_in_bytes",
	"nodes.*.fs.total.total_in_bytes", "nodes.*.fs.total.available_in_bytes",
	"nodes.*.transport.rx_size_in_bytes", "nodes.*.transport.tx_size_in_bytes",
	"nodes.*.indices.docs.count", "nodes.*.indices.indexing.index_total",
	"nodes.*.indices.search.query_total", "nodes.*.indices.search.query_time_in_millis",
}

// Nodes are what the data nodes say of themselves, by name. They count for all indices, those of others too.
func (s *Store) Nodes(ctx context.Context) ([]telemetry.SearchNode, error) {
	var answer struct {
		Nodes map[string]nodeStats `json:"nodes"`
	}
	err := s.do(ctx, call{
		operation: "nodes", method: http.MethodGet, control: true,
		request: func() opensearch.Request {
			return opensearchapi.NodesStatsReq{
				NodeID: []string{"data:true"}, Metric: []string{"process", "jvm", "fs", "transport", "indices"},
				IndexMetric: []string{"docs", "indexing", "search"}, Params: opensearchapi.NodesStatsParams{FilterPath: nodeFields},
			}
		},
	}, &answer)
	if err != nil {
		return nil, err
	}
	nodes := make([]telemetry.SearchNode, 0, len(answer.Nodes))
	for _, n := range answer.Nodes {
		nodes = append(nodes, telemetry.SearchNode{
			Name:       n.Name,
			CPUSeconds: float64(n.Process.CPU.Total) / 1000,
			HeapUsed:   float64(n.JVM.Memory.Used), HeapMax: float64(n.JVM.Memory.Max),
			DiskTotal: float64(n.FS.Total.Total), DiskAvailable: float64(n.FS.Total.Available),
			Received: float64(n.Transport.Received), Sent: float64(n.Transport.Sent),
			Searches: float64(n.Indices.Search.Total), SearchSeconds: float64(n.Indices.Search.Millis) / 1000,
			Indexed: float64(n.Indices.Indexing.Total), Documents: float64(n.Indices.Docs.Count),
		})
	}
	slices.SortFunc(nodes, func(a, b telemetry.SearchNode) int { return strings.Compare(a.Name, b.Name) })
	return nodes, nil
}
