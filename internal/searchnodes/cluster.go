package searchnodes

import (
	"context"
	"errors"
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
	// Joined are the names of the nodes that have, sorted.
	Joined []string
	// Leaving are the nodes that take no part in elections any more, Excluded those that hold no shards once others have taken them.
	// Both are sorted. An operator sets both, Leaving first; a person who empties a node for a while sets Excluded alone.
	Leaving, Excluded []string
	// LostVoters says that nodes have a vote that are not there, as is one that failed before it could leave.
	LostVoters bool
	// Empty are those of both that hold no shard and have no vote, while every shard has all its copies elsewhere. They can go.
	Empty []string
}

// ID tells a cluster from others.
type ID struct{ Name, UUID string }

// Equal says that two answers are the same.
func (c Cluster) Equal(other Cluster) bool {
	return c.UUID == other.UUID && c.Green == other.Green && slices.Equal(c.Joined, other.Joined) && c.LostVoters == other.LostVoters &&
		slices.Equal(c.Leaving, other.Leaving) && slices.Equal(c.Excluded, other.Excluded) && slices.Equal(c.Empty, other.Empty)
}

var (
	// uuid is the form of the UUIDs of clusters and of the ids of nodes: 128 bits in base64url.
	uuid = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
	// nodeName is the form of a node's name, which is its pod's.
	nodeName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
)

// exclude is the setting of those that hold no shards: names, separated by commas.
const exclude = "cluster.routing.allocation.exclude._name"

// state is who may elect, and who holds shards.
type state struct {
	Name  string `json:"cluster_name"`
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
				ID   string `json:"node_id"`
				Name string `json:"node_name"`
			} `json:"voting_config_exclusions"`
		} `json:"cluster_coordination"`
	} `json:"metadata"`
	Routing struct {
		Indices map[string]struct {
			Shards map[string][]struct {
				// Node and Relocating are ids: of the node that has a copy, and of the one that it goes to.
				Node       string `json:"node"`
				Relocating string `json:"relocating_node"`
			} `json:"shards"`
		} `json:"indices"`
	} `json:"routing_table"`
}

// statePath asks for what state holds.
const statePath = "/_cluster/state/metadata,nodes,routing_table?filter_path=cluster_name,cluster_uuid,nodes.*.name,metadata.cluster_coordination," +
	"routing_table.indices.*.shards.*.node,routing_table.indices.*.shards.*.relocating_node"

// Ask asks one node of the cluster of a name. Of its answers no more than numbers, a word, a UUID and names of pods leave this function.
func (c *Client) Ask(ctx context.Context, pod netip.Addr, cluster string) (Cluster, error) {
	now, err := c.state(ctx, pod, cluster)
	if err != nil {
		return Cluster{}, err
	}
	excluded, err := c.excluded(ctx, pod)
	if err != nil {
		return Cluster{}, err
	}
	// What holds no shard now gets none, and green after that says that what it held is elsewhere.
	var health struct {
		Status     string `json:"status"`
		Nodes      int    `json:"number_of_nodes"`
		Relocating int    `json:"relocating_shards"`
	}
	if err := c.get(ctx, pod, "/_cluster/health", &health); err != nil {
		return Cluster{}, err
	}
	found := Cluster{
		UUID: now.UUID, Joined: now.joined(), Leaving: now.leaving(), Excluded: names(excluded), LostVoters: len(now.lostVoters()) > 0,
	}
	if found.Green = health.Status == "green" && health.Relocating == 0 && health.Nodes == len(found.Joined); found.Green {
		found.Empty = now.empty(found)
	}
	return found, nil
}

func (c *Client) state(ctx context.Context, pod netip.Addr, cluster string) (state, error) {
	var now state
	err := c.get(ctx, pod, statePath, &now)
	if err == nil && (now.Name != cluster || !uuid.MatchString(now.UUID)) {
		err = ErrForeignNode
	}
	return now, err
}

func (s state) joined() (all []string) {
	for _, node := range s.Nodes {
		all = append(all, node.Name)
	}
	return names(all)
}

// leaving are the names of nodes without a vote. An exclusion is of a node: another one of its name, as it has on a new volume, is none.
func (s state) leaving() []string {
	ids := map[string]string{}
	for id, node := range s.Nodes {
		ids[node.Name] = id
	}
	var all []string
	for _, e := range s.Metadata.Coordination.Exclusions {
		if id, joined := ids[e.Name]; !joined || id == e.ID {
			all = append(all, e.Name)
		}
	}
	return names(all)
}

func (s state) voters() []string {
	return slices.Concat(s.Metadata.Coordination.Committed, s.Metadata.Coordination.Accepted)
}

// lostVoters are the ids of nodes that have a vote and are not there. Their names are not known.
func (s state) lostVoters() (ids []string) {
	for _, id := range s.voters() {
		if _, joined := s.Nodes[id]; !joined && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// lostBeside are the ids of voters that are lost while some leave and all others have joined: then they can only be of nodes that leave, or were
// replaced.
func (s state) lostBeside(leaving, staying []string) []string {
	if len(leaving) == 0 || len(minus(staying, s.joined())) > 0 {
		return nil
	}
	return slices.DeleteFunc(s.lostVoters(), func(id string) bool { return !uuid.MatchString(id) })
}

// empty are the nodes that leave, hold no shard, get none and have no vote. There are none while somebody votes who is not there, and whose
// name is not known therefore.
func (s state) empty(found Cluster) []string {
	if found.LostVoters {
		return nil
	}
	busy := map[string]bool{}
	for _, id := range s.voters() {
		busy[s.Nodes[id].Name] = true
	}
	for _, index := range s.Routing.Indices {
		for _, copies := range index.Shards {
			for _, shard := range copies {
				busy[s.Nodes[shard.Node].Name], busy[s.Nodes[shard.Relocating].Name] = true, true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(found.Leaving), func(name string) bool {
		return busy[name] || !slices.Contains(found.Excluded, name)
	})
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

// names are those of all that can be names of pods, sorted.
func names(all []string) []string {
	kept := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !nodeName.MatchString(s) })
	slices.Sort(kept)
	return slices.Compact(kept)
}

// SetLeaving makes leaving the nodes that shall leave the cluster of that name and UUID, and no other that was told to before. Nodes that a person
// has excluded stay so. It may end halfway: call it again. Steps follow so that those it is to undo next time are known by Cluster.Leaving.
func (c *Client) SetLeaving(ctx context.Context, pod netip.Addr, cluster ID, leaving, staying []string) error {
	votes, err := c.state(ctx, pod, cluster.Name)
	if err == nil && votes.UUID != cluster.UUID {
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
		if err := c.takeVotes(ctx, pod, cluster, more, staying); err != nil {
			return err
		}
	} else if err := c.takeLostVotes(ctx, pod, votes.lostBeside(leaving, staying)); err != nil {
		return err
	}
	if more := minus(leaving, kept); len(more) > 0 {
		return c.exclude(ctx, pod, append(kept, more...))
	}
	return nil
}

// takeVotes has nodes of these names take no part in elections, and returns when that is agreed on. A voter that is lost may keep the others from
// agreeing: then its vote goes too, once the cluster knows the names, by which all of this is undone.
func (c *Client) takeVotes(ctx context.Context, pod netip.Addr, cluster ID, leaving, staying []string) error {
	refused := c.excludeVoters(ctx, pod, "node_names", leaving)
	if refused == nil {
		return nil
	}
	now, err := c.state(ctx, pod, cluster.Name)
	lost := now.lostBeside(leaving, staying)
	if err != nil || len(lost) == 0 || len(minus(leaving, now.leaving())) > 0 {
		return errors.Join(refused, err)
	}
	return c.takeLostVotes(ctx, pod, lost)
}

func (c *Client) takeLostVotes(ctx context.Context, pod netip.Addr, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return c.excludeVoters(ctx, pod, "node_ids", ids)
}

func (c *Client) excludeVoters(ctx context.Context, pod netip.Addr, by string, nodes []string) error {
	path := "/_cluster/voting_config_exclusions?timeout=4s&" + by + "=" + strings.Join(nodes, ",")
	if err := c.do(ctx, pod, call{method: http.MethodPost, path: path}, nil); err != nil {
		return fmt.Errorf("taking votes of nodes that leave: %w", err)
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
