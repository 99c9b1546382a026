package backends

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// redisSlots is how many slots a Redis Cluster has.
const redisSlots = 16384

// RedisCluster is a Redis Cluster.
type RedisCluster struct {
	tb        testing.TB
	Primaries []*RedisServer
	// Replicas are of the primaries with the same index; empty for none.
	Replicas []*RedisServer
}

// NewRedisCluster starts three primaries, each with a replica when those are wanted, and waits until they are a cluster. A replica takes its
// primary's place a second after that has gone. args are for all of them.
func NewRedisCluster(tb testing.TB, replicas bool, args ...string) *RedisCluster {
	tb.Helper()
	c := &RedisCluster{tb: tb}
	for range 3 {
		c.Primaries = append(c.Primaries, newNode(tb, args))
		if replicas {
			c.Replicas = append(c.Replicas, newNode(tb, args))
		}
	}
	all := c.nodes()
	for i, node := range all {
		node.ask("cluster", "set-config-epoch", strconv.Itoa(i+1))
		bus := c.Primaries[0].ask("config", "get", "cluster-port")
		node.ask("cluster", "meet", "127.0.0.1", strconv.Itoa(c.Primaries[0].port), strings.Fields(bus)[1])
	}
	for i, node := range c.Primaries {
		node.ask("cluster", "addslotsrange", strconv.Itoa(i*redisSlots/3), strconv.Itoa((i+1)*redisSlots/3-1))
	}
	for _, node := range all {
		node.await("cluster_known_nodes:"+strconv.Itoa(len(all)), "cluster", "info")
	}
	for i, node := range c.Replicas {
		c.follow(node, c.Primaries[i])
	}
	for _, node := range all {
		node.await("cluster_state:ok", "cluster", "info")
		node.await("cluster_slots_ok:"+strconv.Itoa(redisSlots), "cluster", "info")
	}
	return c
}

func newNode(tb testing.TB, args []string) *RedisServer {
	tb.Helper()
	node := newRedis(tb)
	node.startAnywhere(func() { // the port of the cluster's bus may not be the usual one, 10000 above: there may be no such port
		node.args = append([]string{
			"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "1000",
			"--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0", "--cluster-port", strconv.Itoa(freePort(node.tb)),
		}, args...)
	})
	return node
}

func (c *RedisCluster) nodes() []*RedisServer {
	return slices.Concat(c.Primaries, c.Replicas)
}

// follow makes a node the replica of a primary, when it knows it.
func (c *RedisCluster) follow(node, primary *RedisServer) {
	c.tb.Helper()
	id := primary.ask("cluster", "myid")
	node.await(id, "cluster", "nodes")
	node.ask("cluster", "replicate", id)
	node.await("master_link_status:up", "info", "replication")
}

// Addresses are those of the primaries.
func (c *RedisCluster) Addresses() []string {
	var all []string
	for _, node := range c.Primaries {
		all = append(all, node.Addr())
	}
	return all
}

// Slot is the slot that a key is in, Owner the primary that has it.
func (c *RedisCluster) Slot(key string) int {
	c.tb.Helper()
	slot, err := strconv.Atoi(c.Primaries[0].ask("cluster", "keyslot", key))
	if err != nil {
		c.tb.Fatal(err)
	}
	return slot
}

// Owner is the primary that has a slot, by its own word.
func (c *RedisCluster) Owner(slot int) *RedisServer {
	c.tb.Helper()
	for _, node := range c.Primaries {
		for line := range strings.Lines(node.ask("cluster", "nodes")) {
			if fields := strings.Fields(line); len(fields) > 8 && strings.Contains(fields[2], "myself") && hasSlot(fields[8:], slot) {
				return node
			}
		}
	}
	c.tb.Fatalf("no primary has slot %d", slot)
	return nil
}

func hasSlot(ranges []string, slot int) bool {
	for _, r := range ranges {
		first, last, more := strings.Cut(r, "-")
		from, err := strconv.Atoi(first)
		if err != nil { // a slot that moves
			continue
		}
		to := from
		if more {
			to, _ = strconv.Atoi(last)
		}
		if from <= slot && slot <= to {
			return true
		}
	}
	return false
}

// movedAtOnce is how many keys of a slot move at a time, as by redis-cli's reshard.
const movedAtOnce = 10

// Move moves a slot with its keys to another primary, as redis-cli's reshard does, and pauses before each step.
func (c *RedisCluster) Move(slot int, to *RedisServer, pause time.Duration) {
	c.tb.Helper()
	from, number := c.Owner(slot), strconv.Itoa(slot)
	source, target := from.ask("cluster", "myid"), to.ask("cluster", "myid")
	to.ask("cluster", "setslot", number, "importing", source)
	from.ask("cluster", "setslot", number, "migrating", target)
	for {
		time.Sleep(pause)
		keys := strings.Fields(from.ask("cluster", "getkeysinslot", number, strconv.Itoa(movedAtOnce)))
		if len(keys) == 0 {
			break
		}
		from.ask(append([]string{"migrate", "127.0.0.1", strconv.Itoa(to.port), "", "0", "5000", "keys"}, keys...)...)
	}
	for _, node := range []*RedisServer{to, from} {
		node.ask("cluster", "setslot", number, "node", target)
	}
}
