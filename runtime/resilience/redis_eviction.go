package resilience

import (
	"bufio"
	"context"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// noEviction is the policy of a Redis that refuses writes when its memory is full.
const noEviction = "noeviction"

// EvictionPolicy is by what Redis may drop keys before they expire; empty when it does not. Of a Cluster it is that of any primary that does.
func (r *Redis) EvictionPolicy(ctx context.Context) (policy string, err error) {
	err = r.Do(ctx, "info", func(ctx context.Context, client redis.UniversalClient) error {
		cluster, ok := client.(*redis.ClusterClient)
		if !ok {
			policy, err = evictionPolicy(ctx, client)
			return err
		}
		var mu sync.Mutex
		return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			of, err := evictionPolicy(ctx, node)
			mu.Lock()
			defer mu.Unlock()
			policy = max(policy, of)
			return err
		})
	})
	return policy, err
}

// evictionPolicy reads INFO: CONFIG is often not allowed.
func evictionPolicy(ctx context.Context, node redis.Cmdable) (string, error) {
	info, err := node.Info(ctx, "memory").Result()
	if err != nil {
		return "", err
	}
	bounded, policy := false, ""
	for lines := bufio.NewScanner(strings.NewReader(info)); lines.Scan(); {
		switch name, value, _ := strings.Cut(strings.TrimSpace(lines.Text()), ":"); name {
		case "maxmemory":
			bounded = value != "0"
		case "maxmemory_policy":
			policy = value
		}
	}
	if !bounded || policy == noEviction {
		return "", nil
	}
	return policy, nil
}
