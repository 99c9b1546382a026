package desired

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// Paths of OpenSearch's image, and of the folder that takes the place of its configuration.
const (
	openSearchHome     = "/usr/share/opensearch"
	openSearchPathConf = "/etc/opensearch"
	openSearchMount    = "/etc/ragservice/opensearch"
	openSearchYAMLFile = "opensearch.yml"
	// bootstrapYAMLFile is the part of it that restarts no node when it changes.
	bootstrapYAMLFile = "bootstrap.yml"
)

// openSearchYAML is the part of opensearch.yml that is ours.
type openSearchYAML struct {
	ClusterName string `json:"cluster.name"`
	NodeName    string `json:"node.name"`
	NetworkHost string `json:"network.host"`
	PathData    string `json:"path.data"`
	PathLogs    string `json:"path.logs"`
	// SeedHosts are where nodes find each other. There is no single-node discovery: a cluster made with it cannot grow.
	SeedHosts []string `json:"discovery.seed_hosts"`
	// AllowMmap is off: mapping needs a kernel setting that a restricted pod cannot make.
	AllowMmap bool `json:"node.store.allow_mmap"`
}

// bootstrapYAML is the part that depends on the number of nodes. It is not hashed: the nodes that there are go on while others join.
type bootstrapYAML struct {
	// TransportHost keeps the port by which nodes talk, which asks for no password, inside the pod while there is one
	// node. Such a node also starts where a machine gives processes fewer than the 65,535 file descriptors that OpenSearch wants
	// of a node which others can reach.
	TransportHost string `json:"transport.host"`
	// Bootstrap names the nodes that form a new cluster; on a volume with a cluster it is ignored. It stays, since one
	// node names only itself: on an empty volume there is no other cluster to join. With several nodes it has to go once
	// the cluster exists, or a node that loses its volume may form a second one.
	Bootstrap []string `json:"cluster.initial_cluster_manager_nodes"`
}

func newOpenSearchYAML(p part) openSearchYAML {
	return openSearchYAML{
		ClusterName: p.namespace() + "." + p.service.Name,
		NodeName:    "${HOSTNAME}",
		NetworkHost: "0.0.0.0",
		PathData:    openSearchHome + "/data",
		PathLogs:    openSearchHome + "/logs",
		SeedHosts:   []string{headlessName(p.service.Name)},
	}
}

// openSearchConfig is opensearch.yml in two files, and the hash that rolls pods.
func openSearchConfig(p part) (files map[string]string, rollHash string, err error) {
	settings, err := yaml.Marshal(newOpenSearchYAML(p))
	if err != nil {
		return nil, "", fmt.Errorf("writing opensearch.yml: %w", err)
	}
	bootstrap, err := yaml.Marshal(bootstrapYAML{TransportHost: "_local_", Bootstrap: []string{p.name() + "-0"}})
	if err != nil {
		return nil, "", fmt.Errorf("writing bootstrap.yml: %w", err)
	}
	return map[string]string{openSearchYAMLFile: string(settings), bootstrapYAMLFile: string(bootstrap)}, config.Hash(settings), nil
}

// javaOptions fix the heap's size, in whole mebibytes since Java wants whole kibibytes, and keep Java from writing up to
// 2 GiB of logs of its garbage collection and the whole heap, with documents in it, beside the data.
func javaOptions(heap resource.Quantity) string {
	const mebibyte = 1 << 20
	return fmt.Sprintf("-Xms%[1]dm -Xmx%[1]dm -Xlog:disable -Xlog:all=warning:stderr -XX:-HeapDumpOnOutOfMemoryError",
		heap.Value()/mebibyte)
}
