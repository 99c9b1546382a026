package backends

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/proc"
)

// openSearchGrace is for a node to write to disk what it holds in memory.
const openSearchGrace = 30 * time.Second

// OpenSearchClusterName is what nodes call their cluster (hack/deps/opensearch.sh).
const OpenSearchClusterName = "ragservice-test"

// OpenSearchNode is one of several nodes of an OpenSearch of one test. Its methods fail that test when they cannot do what they say, and
// are for the test's own goroutine.
type OpenSearchNode struct {
	tb       testing.TB
	dir      proc.Folder
	folder   string // of its data, in dir
	port     int
	settings []string
	running  *proc.Process
}

// OpenSearchNodes starts nodes of these names, which form one cluster on loopback: there OpenSearch does not ask for as many file
// descriptors as it wants of nodes that others reach. They are gone when the test ends. A node takes about a gigabyte.
func OpenSearchNodes(tb testing.TB, names ...string) []*OpenSearchNode {
	tb.Helper()
	dir, err := openSearchDir()
	if err != nil {
		tb.Fatal(err)
	}
	nodes := make([]*OpenSearchNode, len(names))
	var seeds []string
	for i := range names {
		http, transport := freePort(tb), freePort(tb)
		seeds = append(seeds, fmt.Sprintf("127.0.0.1:%d", transport))
		nodes[i] = &OpenSearchNode{tb: tb, dir: dir, folder: fmt.Sprintf("%s-%d", names[i], http), port: http, settings: []string{
			"node.name=" + names[i], fmt.Sprintf("transport.port=%d", transport), "discovery.type=zen",
			"cluster.initial_cluster_manager_nodes=" + names[0],
		}}
	}
	for i, n := range nodes {
		n.settings = append(n.settings, "discovery.seed_hosts="+strings.Join(seeds, ","))
		tb.Cleanup(func() { n.end(syscall.SIGKILL) })
		n.Start()
		if i == 0 { // it forms the cluster, while no other takes its processors
			n.await()
		}
	}
	for _, n := range nodes[1:] {
		n.await()
	}
	return nodes
}

func (n *OpenSearchNode) await() {
	n.tb.Helper()
	if err := awaitOpenSearch(n.URL(), n.running); err != nil {
		n.tb.Fatal(err)
	}
}

// Start starts a node that has been stopped, on the data that it had. It does not wait for the node.
func (n *OpenSearchNode) Start() {
	n.tb.Helper()
	var err error
	if n.running, err = startOpenSearch(n.dir, n.folder, n.port, n.settings...); err != nil {
		n.tb.Fatal(err)
	}
}

// Stop ends it as a pod does, and waits.
func (n *OpenSearchNode) Stop() { n.end(syscall.SIGTERM) }

func (n *OpenSearchNode) end(signal syscall.Signal) {
	if n.running != nil {
		n.running.End(signal, openSearchGrace)
	}
}

// Address is where it listens.
func (n *OpenSearchNode) Address() string { return "127.0.0.1:" + strconv.Itoa(n.port) }

// URL is that of its API.
func (n *OpenSearchNode) URL() string { return "http://" + n.Address() }
