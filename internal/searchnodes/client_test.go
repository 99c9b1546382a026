package searchnodes_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ragservice/ragservice-operator/internal/searchnodes"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// documents is how many there are, of which each search finds all.
const documents = 300

// cluster is a real OpenSearch of three nodes, whose documents have no copies.
type cluster struct {
	*testing.T
	*searchnodes.Client
	nodes []*backends.OpenSearchNode
	uuid  string
}

// first is the address of the node that stays. The client's way from there is in newCluster: there is no pod network.
var first = netip.MustParseAddr("10.0.0.1")

func newCluster(t *testing.T) *cluster {
	t.Helper()
	nodes := backends.OpenSearchNodes(t, "papers-opensearch-0", "papers-opensearch-1", "papers-opensearch-2")
	c := &cluster{T: t, nodes: nodes, Client: searchnodes.New(http.DefaultClient, func(netip.Addr) string { return nodes[0].Address() })}
	c.request(http.MethodPut, "/documents", `{"settings":{"number_of_shards":3,"number_of_replicas":0}}`)
	var lines strings.Builder
	for i := range documents {
		fmt.Fprintf(&lines, "{\"index\":{}}\n{\"number\":%d}\n", i)
	}
	c.request(http.MethodPost, "/documents/_bulk?refresh=true", lines.String())
	c.uuid = c.await("green with three nodes", func(said searchnodes.Cluster) bool { return said.Green && len(said.Joined) == 3 }).UUID
	return c
}

// request sends one to the first node.
func (c *cluster) request(method, path, body string) string {
	c.Helper()
	answer, err := send(c.Context(), method, c.nodes[0].URL()+path, body)
	if err != nil {
		c.Fatal(err)
	}
	return answer
}

func send(ctx context.Context, method, url, body string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %d %s", method, url, response.StatusCode, answer)
	}
	return string(answer), err
}

// await asks until the answer is as it is waited for, and returns that.
func (c *cluster) await(what string, is func(searchnodes.Cluster) bool) (said searchnodes.Cluster) {
	c.Helper()
	var failed error
	err := wait.PollUntilContextTimeout(c.Context(), 100*time.Millisecond, 5*time.Minute, true, func(ctx context.Context) (bool, error) {
		said, failed = c.Ask(ctx, first, backends.OpenSearchClusterName)
		return failed == nil && is(said), nil
	})
	if err != nil {
		c.Fatalf("not %s: %+v, %v", what, said, failed)
	}
	return said
}

func (c *cluster) setLeaving(names ...string) {
	c.Helper()
	if err := c.SetLeaving(c.Context(), first, searchnodes.ID{Name: backends.OpenSearchClusterName, UUID: c.uuid}, names, []string{"papers-opensearch-0"}); err != nil {
		c.Fatal(err)
	}
}

// search looks for all documents until end is called, which returns how often it did.
func (c *cluster) search() (end func() int64) {
	var times atomic.Int64
	ctx, cancel := context.WithCancel(c.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			answer, err := send(ctx, http.MethodGet, c.nodes[0].URL()+"/documents/_search?size=0&track_total_hits=true", "")
			found := strings.Contains(answer, fmt.Sprintf(`"value":%d,`, documents)) && strings.Contains(answer, `"failed":0`)
			if ctx.Err() == nil && (err != nil || !found) {
				c.Errorf("a search does not find all documents: %s, %v", answer, err)
				return
			}
			times.Add(1)
		}
	}()
	return func() int64 {
		cancel()
		<-done
		return times.Load()
	}
}

// TestNodesLeaveAndComeBack: no search misses a document while two of three nodes go, which held some alone, and come back on their
// volumes. What a person has set stays.
func TestNodesLeaveAndComeBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	const one, two = "papers-opensearch-1", "papers-opensearch-2"
	c.request(http.MethodPut, "/_cluster/settings", `{"persistent":{"cluster.routing.allocation.exclude._name":"elsewhere"}}`)
	if held := c.request(http.MethodGet, "/_cat/shards/documents?h=node", ""); !strings.Contains(held, one) || !strings.Contains(held, two) {
		t.Fatalf("the nodes that are to leave hold nothing:\n%s", held)
	}
	for _, another := range []searchnodes.ID{{Name: backends.OpenSearchClusterName, UUID: "another-cluster-000000"}, {Name: "another", UUID: c.uuid}} {
		if err := c.SetLeaving(t.Context(), first, another, []string{one}, nil); !errors.Is(err, searchnodes.ErrForeignNode) {
			t.Errorf("a node of another cluster: %v", err)
		}
	}
	if said := c.await("untouched", func(searchnodes.Cluster) bool { return true }); len(said.Leaving) > 0 || !slices.Equal(said.Excluded, []string{"elsewhere"}) {
		t.Errorf("a node of another cluster was told: %+v", said)
	}

	end := c.search()
	c.setLeaving(two)
	c.setLeaving(one) // another one after all
	if said := c.await("told", func(said searchnodes.Cluster) bool { return len(said.Leaving) > 0 }); !slices.Equal(said.Leaving, []string{one}) ||
		!slices.Equal(said.Excluded, []string{"elsewhere", one}) {
		t.Errorf("after another decision: %+v", said)
	}
	leaving := []string{one, two, "papers-opensearch-3"} // which never started
	c.setLeaving(leaving...)
	c.setLeaving(leaving...) // once more
	c.await("empty", func(said searchnodes.Cluster) bool { return slices.Equal(said.Empty, leaving) })
	c.nodes[1].Stop()
	c.nodes[2].Stop()
	c.await("alone", func(said searchnodes.Cluster) bool { return len(said.Joined) == 1 })
	c.setLeaving()
	want := searchnodes.Cluster{UUID: c.uuid, Green: true, Joined: []string{"papers-opensearch-0"}, Excluded: []string{"elsewhere"}}
	said := c.await("green alone", func(said searchnodes.Cluster) bool { return said.Green })
	if diff := cmp.Diff(want, said, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the last node (-want +got):\n%s", diff)
	}

	c.nodes[1].Start()
	c.nodes[2].Start()
	c.await("three again", func(said searchnodes.Cluster) bool { return said.Green && len(said.Joined) == 3 })
	if times := end(); times < 10 {
		t.Errorf("only %d searches", times)
	}
}

// TestALostNodeLeaves: one that failed for good keeps no other from leaving, though it has a vote that it cannot give up.
func TestALostNodeLeaves(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	const one, two = "papers-opensearch-1", "papers-opensearch-2"
	copies := func(n int) {
		c.request(http.MethodPut, "/documents/_settings", fmt.Sprintf(`{"index":{"number_of_replicas":%d,"unassigned.node_left.delayed_timeout":"0"}}`, n))
	}
	copies(1)
	c.await("green with copies", func(said searchnodes.Cluster) bool { return said.Green })
	end := c.search()
	c.nodes[2].Stop()
	c.await("told that a voter is lost", func(said searchnodes.Cluster) bool { return len(said.Joined) == 2 && said.LostVoters && said.Green })
	copies(0)
	c.setLeaving(one, two)
	said := c.await("empty", func(said searchnodes.Cluster) bool { return slices.Equal(said.Empty, []string{one, two}) })
	if said.LostVoters || !slices.Equal(said.Leaving, []string{one, two}) {
		t.Errorf("the cluster says %+v", said)
	}
	c.nodes[1].Stop()
	c.await("alone", func(said searchnodes.Cluster) bool { return len(said.Joined) == 1 && said.Green })
	if times := end(); times < 10 {
		t.Errorf("only %d searches", times)
	}

	c.setLeaving() // they come back after all, with their votes
	c.nodes[1].Start()
	c.nodes[2].Start()
	const coordination = "/_cluster/state/metadata?filter_path=metadata.cluster_coordination."
	c.await("three again, which all vote", func(said searchnodes.Cluster) bool { // those that join get their votes a little later
		votes := c.request(http.MethodGet, coordination+"last_committed_config", "")
		return said.Green && len(said.Joined) == 3 && strings.Count(votes, ",") == 2
	})
	if left := c.request(http.MethodGet, coordination+"voting_config_exclusions", ""); !strings.Contains(left, `"voting_config_exclusions":[]`) {
		t.Errorf("votes stay taken: %s", left)
	}
}

// TestALostNodeKeepsItsVote while another one that shall stay has not joined: that may be it.
func TestALostNodeKeepsItsVote(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.nodes[2].Stop()
	c.await("told that a voter is lost", func(said searchnodes.Cluster) bool { return len(said.Joined) == 2 && said.LostVoters })
	id := searchnodes.ID{Name: backends.OpenSearchClusterName, UUID: c.uuid}
	if err := c.SetLeaving(t.Context(), first, id, []string{"papers-opensearch-1"}, []string{"papers-opensearch-0", "papers-opensearch-2"}); err != nil {
		t.Log(err) // OpenSearch may not agree on it, with one of three lost
	}
	taken := c.request(http.MethodGet, "/_cluster/state/metadata?filter_path=metadata.cluster_coordination.voting_config_exclusions", "")
	if !strings.Contains(taken, "papers-opensearch-1") || strings.Contains(taken, "_absent_") {
		t.Errorf("votes were taken of %s, want that of the one that leaves alone", taken)
	}
	c.setLeaving()
}
