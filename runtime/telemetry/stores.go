package telemetry

import (
	"math"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// figuresKept is for how long what a store said of itself is shown: one that no longer answers has no figures, rather than old ones.
	figuresKept = 2 * time.Minute
	// maxSearchNodes bounds the series of nodes: an OpenSearch of somebody else may have hundreds.
	maxSearchNodes = 32
)

// RedisFigures are what an instance of Redis says of itself; those of a Cluster are sums over its primaries. Counters are since it started.
type RedisFigures struct {
	// MemoryUsed and MemoryMax are in bytes; MemoryMax is 0 where there is no bound.
	MemoryUsed, MemoryMax float64
	// DiskUsed is the size of the append-only file in bytes; 0 where there is none.
	DiskUsed   float64
	CPUSeconds float64
	// Received and Sent are bytes of connections.
	Received, Sent float64
	Commands       float64
	// Evicted keys made room for others, Expired ones were over.
	Evicted, Expired float64
	Keys, Clients    float64
}

// SearchNode is what a node of OpenSearch says of itself. Counters are since it started.
type SearchNode struct {
	Name       string
	CPUSeconds float64
	// The heap and the disk are in bytes.
	HeapUsed, HeapMax        float64
	DiskTotal, DiskAvailable float64
	// Received and Sent are bytes of connections between nodes.
	Received, Sent float64
	// Searches are those of shards, and SearchSeconds what they took.
	Searches, SearchSeconds float64
	// Indexed counts documents that were written, Documents those that are there: passages and records, copies included.
	Indexed, Documents float64
}

// DiskPercent is how full the fullest of the nodes' disks is, in percent, rounded up; 0 where none tells. What is reserved for root counts as
// used, as OpenSearch's own watermarks have it.
func DiskPercent(nodes []SearchNode) (percent int64) {
	for _, n := range nodes {
		if n.DiskTotal > 0 && n.DiskAvailable >= 0 && n.DiskAvailable <= n.DiskTotal {
			percent = max(percent, 1, int64(math.Ceil(100-100*n.DiskAvailable/n.DiskTotal)))
		}
	}
	return percent
}

// figure is a metric of a store.
type figure[T any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(T) float64
}

func gaugeOf[T any](label, name, help string, of func(T) float64) figure[T] {
	return figure[T]{prometheus.NewDesc(name, help, []string{label}, nil), prometheus.GaugeValue, of}
}

func counterOf[T any](label, name, help string, of func(T) float64) figure[T] {
	return figure[T]{prometheus.NewDesc(name, help, []string{label}, nil), prometheus.CounterValue, of}
}

var redisFigures = []figure[RedisFigures]{
	gaugeOf("redis", "ragservice_redis_memory_used_bytes", "Memory that Redis uses for data.", func(f RedisFigures) float64 { return f.MemoryUsed }),
	gaugeOf("redis", "ragservice_redis_memory_max_bytes", "Memory that Redis may use, 0 for any.", func(f RedisFigures) float64 { return f.MemoryMax }),
	gaugeOf("redis", "ragservice_redis_disk_used_bytes", "Size of the append-only file, 0 without one.",
		func(f RedisFigures) float64 { return f.DiskUsed }),
	gaugeOf("redis", "ragservice_redis_keys", "Keys in Redis.", func(f RedisFigures) float64 { return f.Keys }),
	gaugeOf("redis", "ragservice_redis_clients", "Connections of clients to Redis.", func(f RedisFigures) float64 { return f.Clients }),
	counterOf("redis", "ragservice_redis_cpu_seconds_total", "Processor time of Redis.", func(f RedisFigures) float64 { return f.CPUSeconds }),
	counterOf("redis", "ragservice_redis_network_receive_bytes_total", "Bytes that Redis received.", func(f RedisFigures) float64 { return f.Received }),
	counterOf("redis", "ragservice_redis_network_transmit_bytes_total", "Bytes that Redis sent.", func(f RedisFigures) float64 { return f.Sent }),
	counterOf("redis", "ragservice_redis_commands_total", "Commands that Redis carried out.", func(f RedisFigures) float64 { return f.Commands }),
	counterOf("redis", "ragservice_redis_evicted_keys_total", "Keys that Redis dropped to make room.", func(f RedisFigures) float64 { return f.Evicted }),
	counterOf("redis", "ragservice_redis_expired_keys_total", "Keys that were over.", func(f RedisFigures) float64 { return f.Expired }),
}

var searchFigures = []figure[SearchNode]{
	counterOf("node", "ragservice_opensearch_cpu_seconds_total", "Processor time of OpenSearch.", func(n SearchNode) float64 { return n.CPUSeconds }),
	gaugeOf("node", "ragservice_opensearch_heap_used_bytes", "Heap that OpenSearch uses.", func(n SearchNode) float64 { return n.HeapUsed }),
	gaugeOf("node", "ragservice_opensearch_heap_max_bytes", "Heap that OpenSearch may use.", func(n SearchNode) float64 { return n.HeapMax }),
	gaugeOf("node", "ragservice_opensearch_disk_total_bytes", "Size of the disks of OpenSearch.", func(n SearchNode) float64 { return n.DiskTotal }),
	gaugeOf("node", "ragservice_opensearch_disk_available_bytes", "Room on the disks of OpenSearch.",
		func(n SearchNode) float64 { return n.DiskAvailable }),
	counterOf("node", "ragservice_opensearch_network_receive_bytes_total", "Bytes that OpenSearch received of other nodes.",
		func(n SearchNode) float64 { return n.Received }),
	counterOf("node", "ragservice_opensearch_network_transmit_bytes_total", "Bytes that OpenSearch sent to other nodes.",
		func(n SearchNode) float64 { return n.Sent }),
	counterOf("node", "ragservice_opensearch_searches_total", "Searches of shards.", func(n SearchNode) float64 { return n.Searches }),
	counterOf("node", "ragservice_opensearch_search_seconds_total", "Time of searches of shards.", func(n SearchNode) float64 { return n.SearchSeconds }),
	counterOf("node", "ragservice_opensearch_indexed_total", "Entries that were written to shards.", func(n SearchNode) float64 { return n.Indexed }),
	gaugeOf("node", "ragservice_opensearch_entries", "Entries in shards: passages and records of documents, copies included.",
		func(n SearchNode) float64 { return n.Documents }),
}

// stores shows what stores said of themselves last.
type stores struct {
	now func() time.Time

	mu    sync.Mutex
	redis map[string]said[RedisFigures] // by instance
	nodes said[[]SearchNode]
}

// said is what was said when.
type said[T any] struct {
	value T
	at    time.Time
}

// RedisSays notes what an instance (cache, state) says of itself. It is shown for two minutes.
func (m *Metrics) RedisSays(instance string, f RedisFigures) {
	m.stores.mu.Lock()
	defer m.stores.mu.Unlock()
	m.stores.redis[instance] = said[RedisFigures]{f, m.stores.now()}
}

// OpenSearchSays notes what the nodes of OpenSearch say of themselves, of more than 32 the first. It is shown for two minutes.
func (m *Metrics) OpenSearchSays(nodes []SearchNode) {
	m.stores.mu.Lock()
	defer m.stores.mu.Unlock()
	m.stores.nodes = said[[]SearchNode]{nodes[:min(len(nodes), maxSearchNodes)], m.stores.now()}
}

// Describe implements prometheus.Collector.
func (s *stores) Describe(to chan<- *prometheus.Desc) {
	for _, f := range redisFigures {
		to <- f.desc
	}
	for _, f := range searchFigures {
		to <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (s *stores) Collect(to chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for instance, of := range s.redis {
		if s.now().Sub(of.at) < figuresKept {
			show(to, redisFigures, of.value, instance)
		}
	}
	if s.now().Sub(s.nodes.at) < figuresKept {
		for _, node := range s.nodes.value {
			show(to, searchFigures, node, node.Name)
		}
	}
}

func show[T any](to chan<- prometheus.Metric, figures []figure[T], value T, label string) {
	for _, f := range figures {
		to <- prometheus.MustNewConstMetric(f.desc, f.kind, f.of(value), label)
	}
}
