package searchnodes

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Cluster is what a node says of its cluster.
type Cluster struct {
	UUID string
	// Green says that every shard has all its copies, and none moves.
	Green bool
	// Nodes is how many have joined.
	Nodes int32
	// Leaving are the nodes that take no part in elections any more, Excluded those that hold no shards once others have taken them.
	// Both are sorted. An operator sets both, Leaving first; a person who empties a node for a while sets Excluded alone.
	Leaving, Excluded []string
	// Empty are those of both that hold no shard and have no vote, while every shard has all its copies elsewhere. They can go.
	Empty []string
}

// Equal says that two answers are the same.
func (c Cluster) Equal(other Cluster) bool {
	return c.UUID == other.UUID && c.Green == other.Green && c.Nodes == other.Nodes &&
		slices.Equal(c.Leaving, other.Leaving) && slices.Equal(c.Excluded, other.Excluded) && slices.Equal(c.Empty, other.Empty)
}

// clusterUUID is the form of a cluster's UUID: 128 bits in base64url. nodeName is that of a node, which is its pod's.
var (
	clusterUUID = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
	nodeName    = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
)

// exclude is the setting of those that hold no shards: names, separated by commas.
const exclude = "cluster.routing.allocation.exclude._name"

// coordination is who may elect.
type coordination struct {
	UUID  string `json:"cluster_uuid"`
	Nodes map[string]struct {
		Name string `json:"name"`
	} `json:"nodes"`
	Metadata struct {
		Coordination struct {
			// Committed and Accepted are the ids of nodes with a vote, as agreed on and as proposed.
			Committed  []string `json:"last_committed_config"`
			Accepted   []string `json:"last_accepted_config"`
			Exclusions []struct {
				Name string `json:"node_name"`
			} `json:"voting_config_exclusions"`
		} `json:"cluster_coordination"`
	} `json:"metadata"`
}

// Ask asks one node. Of its answers no more than numbers, a word, a UUID and names of pods leave this function.
func (c *Client) Ask(ctx context.Context, pod netip.Addr) (Cluster, error) {
	votes, err := c.coordination(ctx, pod)
	if err != nil {
		return Cluster{}, err
	}
	excluded, err := c.excluded(ctx, pod)
	if err != nil {
		return Cluster{}, err
	}
	found := Cluster{UUID: votes.UUID, Leaving: votes.leaving(), Excluded: names(excluded)}
	// What holds no shard now gets none, and green after that says that what it held is elsewhere.
	var free []string
	if len(found.Leaving) > 0 {
		if free, err = c.withoutShards(ctx, pod, found); err != nil {
			return Cluster{}, err
		}
	}
	var health struct {
		Status     string `json:"status"`
		Nodes      int32  `json:"number_of_nodes"`
		Relocating int    `json:"relocating_shards"`
	}
	if err := c.get(ctx, pod, "/_cluster/health", &health); err != nil {
		return Cluster{}, err
	}
	found.Nodes = health.Nodes
	if found.Green = health.Status == "green" && health.Relocating == 0; found.Green {
		found.Empty = votes.without(free)
	}
	return found, nil
}

func (c *Client) coordination(ctx context.Context, pod netip.Addr) (coordination, error) {
	var votes coordination
	err := c.get(ctx, pod, "/_cluster/state/metadata,nodes?filter_path=cluster_uuid,nodes.*.name,metadata.cluster_coordination", &votes)
	if err == nil && !clusterUUID.MatchString(votes.UUID) {
		err = ErrForeignNode
	}
	return votes, err
}

// leaving are the names of nodes without a vote.
func (c coordination) leaving() []string {
	var all []string
	for _, e := range c.Metadata.Coordination.Exclusions {
		all = append(all, e.Name)
	}
	return names(all)
}

// without are those of names that have no vote; none while somebody votes who is not there, and whose name is not known therefore.
func (c coordination) without(names []string) []string {
	votes := map[string]bool{}
	for _, id := range slices.Concat(c.Metadata.Coordination.Committed, c.Metadata.Coordination.Accepted) {
		node, joined := c.Nodes[id]
		if !joined {
			return nil
		}
		votes[node.Name] = true
	}
	return slices.DeleteFunc(names, func(name string) bool { return votes[name] })
}

// excluded is the list of those that hold no shards, as somebody set it.
func (c *Client) excluded(ctx context.Context, pod netip.Addr) ([]string, error) {
	var settings struct {
		Persistent map[string]any `json:"persistent"`
	}
	if err := c.get(ctx, pod, "/_cluster/settings?flat_settings=true", &settings); err != nil {
		return nil, err
	}
	list, _ := settings.Persistent[exclude].(string)
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }), nil
}

// withoutShards are the nodes of found that are told to leave and hold no shard, nor get one.
func (c *Client) withoutShards(ctx context.Context, pod netip.Addr, found Cluster) ([]string, error) {
	var shards []struct {
		// Node is a name, "a -> 10.0.0.1 id b" while the shard moves, or absent.
		Node string `json:"node"`
	}
	if err := c.get(ctx, pod, "/_cat/shards?format=json&h=node", &shards); err != nil {
		return nil, err
	}
	var free []string
	for _, name := range found.Leaving {
		holds := false
		for _, shard := range shards {
			holds = holds || slices.Contains(strings.Fields(shard.Node), name)
		}
		if !holds && slices.Contains(found.Excluded, name) {
			free = append(free, name)
		}
	}
	return free, nil
}

// names are those of all that can be names of pods, sorted.
func names(all []string) []string {
	kept := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !nodeName.MatchString(s) })
	slices.Sort(kept)
	return slices.Compact(kept)
}

// SetLeaving makes leaving the nodes that shall leave the cluster of that UUID, and no other that was told to before. Nodes that a person
// has excluded stay so. It may end halfway: call it again. Steps follow so that those it is to undo next time are known by Cluster.Leaving.
func (c *Client) SetLeaving(ctx context.Context, pod netip.Addr, uuid string, leaving []string) error {
	votes, err := c.coordination(ctx, pod)
	if err == nil && votes.UUID != uuid {
		err = ErrForeignNode
	}
	if err != nil {
		return err
	}
	excluded, err := c.excluded(ctx, pod)
	if err != nil {
		return err
	}
	before := votes.leaving()
	back := minus(before, leaving)
	kept := minus(excluded, back)
	if len(kept) < len(excluded) {
		if err := c.exclude(ctx, pod, kept); err != nil {
			return err
		}
	}
	if len(back) > 0 {
		const path = "/_cluster/voting_config_exclusions?wait_for_removal=false"
		if err := c.do(ctx, pod, call{method: http.MethodDelete, path: path}, nil); err != nil {
			return fmt.Errorf("giving nodes their votes back: %w", err)
		}
		before = nil
	}
	if more := minus(leaving, before); len(more) > 0 {
		path := "/_cluster/voting_config_exclusions?timeout=1s&node_names=" + strings.Join(more, ",")
		if err := c.do(ctx, pod, call{method: http.MethodPost, path: path}, nil); err != nil {
			return fmt.Errorf("taking votes of nodes that leave: %w", err)
		}
	}
	if more := minus(leaving, kept); len(more) > 0 {
		return c.exclude(ctx, pod, append(kept, more...))
	}
	return nil
}

// exclude moves shards away from the nodes of that names, and no others. An empty list is taken out.
func (c *Client) exclude(ctx context.Context, pod netip.Addr, names []string) error {
	var list *string
	if joined := strings.Join(names, ","); joined != "" {
		list = &joined
	}
	err := c.do(ctx, pod, call{
		method: http.MethodPut, path: "/_cluster/settings", body: map[string]any{"persistent": map[string]any{exclude: list}},
	}, nil)
	if err != nil {
		return fmt.Errorf("setting %s: %w", exclude, err)
	}
	return nil
}

// minus are those of all that are not in out.
func minus(all, out []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(out, s) })
}
