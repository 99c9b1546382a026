package desired

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// Paths of OpenSearch's image, and of the folder that takes the place of its configuration.
const (
	openSearchHome      = "/usr/share/opensearch"
	openSearchSnapshots = openSearchHome + "/snapshots"
	openSearchPathConf  = "/etc/opensearch"
	openSearchMount     = "/etc/ragservice/opensearch"
	openSearchYAMLFile  = "opensearch.yml"
	// restartYAMLFile is the part of it that restarts no node when it changes.
	restartYAMLFile = "restart.yml"
)

// openSearchYAML is the part of opensearch.yml that is ours.
type openSearchYAML struct {
	ClusterName string `json:"cluster.name"`
	NodeName    string `json:"node.name"`
	NetworkHost string `json:"network.host"`
	// PublishHost is where a node tells others to find it. A single one does, too, so that others can join it while it goes on.
	PublishHost string `json:"network.publish_host"`
	PathData    string `json:"path.data"`
	PathLogs    string `json:"path.logs"`
	// PathRepo is where snapshots may be kept, on a volume of somebody else.
	PathRepo string `json:"path.repo,omitempty"`
	// SeedHosts are where nodes find each other. There is no single-node discovery: a cluster made with it cannot grow.
	SeedHosts []string `json:"discovery.seed_hosts"`
	// MaxExclusions is how many nodes may be without a vote at once: all but one may leave, and each of these may be lost, which is told
	// by its id as well as by its name. OpenSearch's own bound is 10.
	MaxExclusions int `json:"cluster.max_voting_config_exclusions"`
	// AllowMmap is off: mapping needs a kernel setting that a restricted pod cannot make.
	AllowMmap bool `json:"node.store.allow_mmap"`
}

// restartYAML is the part that depends on the number of nodes and on the size of their volumes. It is not hashed, and holds from a node's
// next start: the nodes that there are go on while others join, or while volumes grow.
type restartYAML struct {
	// Bootstrap names the node that forms a new cluster, which others join; on a volume with a cluster it is ignored. It stays with one
	// node: on an empty volume there is no other cluster to join. With several nodes it goes once the cluster exists, or that node
	// would form a second one when it loses its volume.
	Bootstrap []string `json:"cluster.initial_cluster_manager_nodes,omitempty"`
	// Low, High and FloodStage are how much must be free for a node to take more shards, to keep those it has, and to take
	// writes: the shares of the volume that are OpenSearch's defaults, in bytes. Its own are shares of the disk, and a volume of a
	// folder lies on the machine's disk, 5 % of which may be more than the whole volume.
	Low        string `json:"cluster.routing.allocation.disk.watermark.low"`
	High       string `json:"cluster.routing.allocation.disk.watermark.high"`
	FloodStage string `json:"cluster.routing.allocation.disk.watermark.flood_stage"`
}

// ClusterName is what the nodes of a RAGService's OpenSearch call their cluster.
func ClusterName(rag types.NamespacedName) string { return rag.Namespace + "." + rag.Name }

// freePercent is a share of a volume as OpenSearch reads it.
func freePercent(storage resource.Quantity, percent int64) string {
	return fmt.Sprintf("%db", storage.Value()/100*percent)
}

func newOpenSearchYAML(p part, snapshotClaim string) openSearchYAML {
	pathRepo := ""
	if snapshotClaim != "" {
		pathRepo = openSearchSnapshots
	}
	return openSearchYAML{
		PathRepo:    pathRepo,
		PublishHost: "${POD_IP}",
		ClusterName: ClusterName(types.NamespacedName{Namespace: p.namespace(), Name: p.service.Name}),
		NodeName:    "${HOSTNAME}",
		NetworkHost: "0.0.0.0",
		PathData:    openSearchHome + "/data",
		PathLogs:    openSearchHome + "/logs",
		SeedHosts:   []string{headlessName(p.service.Name)},

		MaxExclusions: 2 * (maxNodes - 1),
	}
}

// openSearchConfig is opensearch.yml in two files, and the hash that rolls pods. Each node has a volume of the size storage.
func openSearchConfig(p part, b build, storage resource.Quantity) (files map[string]string, rollHash string, err error) {
	settings, err := yaml.Marshal(newOpenSearchYAML(p, b.snapshotClaim()))
	if err != nil {
		return nil, "", fmt.Errorf("writing %s: %w", openSearchYAMLFile, err)
	}
	later := restartYAML{
		Bootstrap: []string{p.name() + "-0"},
		Low:       freePercent(storage, 15), High: freePercent(storage, 10), FloodStage: freePercent(storage, 5),
	}
	if (b.nodes() > 1 || b.OpenSearch.Wanted > 1) && b.formed() {
		later.Bootstrap = nil
	}
	restart, err := yaml.Marshal(later)
	if err != nil {
		return nil, "", fmt.Errorf("writing %s: %w", restartYAMLFile, err)
	}
	return map[string]string{openSearchYAMLFile: string(settings), restartYAMLFile: string(restart)}, config.Hash(settings), nil
}

// javaOptions fix the heap's size, in whole mebibytes since Java wants whole kibibytes, and keep Java from writing up to
// 2 GiB of logs of its garbage collection and the whole heap, with documents in it, beside the data.
func javaOptions(heap resource.Quantity) string {
	const mebibyte = 1 << 20
	return fmt.Sprintf("-Xms%[1]dm -Xmx%[1]dm -Xlog:disable -Xlog:all=warning:stderr -XX:-HeapDumpOnOutOfMemoryError",
		heap.Value()/mebibyte)
}
