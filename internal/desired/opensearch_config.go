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
	// PublishHost is where a node of several tells the others to find it.
	PublishHost string `json:"network.publish_host,omitempty"`
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
	TransportHost string `json:"transport.host,omitempty"`
	// Bootstrap names the node that forms a new cluster, which others join; on a volume with a cluster it is ignored. It stays with one
	// node: on an empty volume there is no other cluster to join. With several nodes it goes once the cluster exists, or that node
	// would form a second one when it loses its volume.
	Bootstrap []string `json:"cluster.initial_cluster_manager_nodes,omitempty"`
}

// marshal is YAML that can follow other lines, which {} cannot.
func (y bootstrapYAML) marshal() ([]byte, error) {
	if y.TransportHost == "" && len(y.Bootstrap) == 0 {
		return nil, nil
	}
	return yaml.Marshal(y)
}

func newOpenSearchYAML(p part, nodes int32) openSearchYAML {
	publishHost := ""
	if nodes > 1 {
		publishHost = "${POD_IP}"
	}
	return openSearchYAML{
		PublishHost: publishHost,
		ClusterName: p.namespace() + "." + p.service.Name,
		NodeName:    "${HOSTNAME}",
		NetworkHost: "0.0.0.0",
		PathData:    openSearchHome + "/data",
		PathLogs:    openSearchHome + "/logs",
		SeedHosts:   []string{headlessName(p.service.Name)},
	}
}

// openSearchConfig is opensearch.yml in two files, and the hash that rolls pods.
func openSearchConfig(p part, b build) (files map[string]string, rollHash string, err error) {
	settings, err := yaml.Marshal(newOpenSearchYAML(p, b.nodes()))
	if err != nil {
		return nil, "", fmt.Errorf("writing opensearch.yml: %w", err)
	}
	first := bootstrapYAML{Bootstrap: []string{p.name() + "-0"}}
	switch {
	case b.nodes() == 1:
		first.TransportHost = "_local_"
	case b.formed():
		first.Bootstrap = nil
	}
	bootstrap, err := first.marshal()
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
