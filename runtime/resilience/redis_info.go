package resilience

import (
	"bufio"
	"context"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// noEviction is the policy of a Redis that refuses writes when its memory is full.
const noEviction = "noeviction"

// RedisInfo is what Redis says of itself.
type RedisInfo struct {
	telemetry.RedisFigures
	// EvictionPolicy is by what it may drop keys before they expire; empty when it does not.
	EvictionPolicy string
}

// Info asks Redis about itself. The figures of a Cluster are the sums over its primaries, the policy is that of any that evicts.
func (r *Redis) Info(ctx context.Context) (all RedisInfo, err error) {
	err = r.Do(ctx, "info", func(ctx context.Context, client redis.UniversalClient) error {
		cluster, ok := client.(*redis.ClusterClient)
		if !ok {
			all, err = infoOf(ctx, client)
			return err
		}
		var mu sync.Mutex
		return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			one, err := infoOf(ctx, node)
			mu.Lock()
			defer mu.Unlock()
			all.add(one)
			return err
		})
	})
	return all, err
}

// infoOf reads INFO (https://redis.io/docs/latest/commands/info/): CONFIG is often not allowed.
func infoOf(ctx context.Context, node redis.Cmdable) (RedisInfo, error) {
	text, err := node.Info(ctx).Result()
	if err != nil {
		return RedisInfo{}, err
	}
	said := map[string]string{}
	keys := 0.0
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		name, value, _ := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		said[name] = value
		if strings.HasPrefix(name, "db") { // db0:keys=12,expires=3,avg_ttl=1000
			first, _, _ := strings.Cut(value, ",")
			keys += number(strings.TrimPrefix(first, "keys="))
		}
	}
	of := func(name string) float64 { return number(said[name]) }
	info := RedisInfo{EvictionPolicy: said["maxmemory_policy"], RedisFigures: telemetry.RedisFigures{
		MemoryUsed: of("used_memory"), MemoryMax: of("maxmemory"), DiskUsed: of("aof_current_size"),
		CPUSeconds: of("used_cpu_sys") + of("used_cpu_user"),
		Received:   of("total_net_input_bytes"), Sent: of("total_net_output_bytes"), Commands: of("total_commands_processed"),
		Evicted: of("evicted_keys"), Expired: of("expired_keys"), Keys: keys, Clients: of("connected_clients"),
	}}
	if info.MemoryMax == 0 || info.EvictionPolicy == noEviction {
		info.EvictionPolicy = ""
	}
	return info, nil
}

// number is 0 for what is not there, or is none: the servers that speak Redis's protocol do not all say the same.
func number(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64)
	return n
}

func (i *RedisInfo) add(o RedisInfo) {
	i.MemoryUsed += o.MemoryUsed
	i.MemoryMax += o.MemoryMax
	i.DiskUsed += o.DiskUsed
	i.CPUSeconds += o.CPUSeconds
	i.Received += o.Received
	i.Sent += o.Sent
	i.Commands += o.Commands
	i.Evicted += o.Evicted
	i.Expired += o.Expired
	i.Keys += o.Keys
	i.Clients += o.Clients
	i.EvictionPolicy = max(i.EvictionPolicy, o.EvictionPolicy)
}
