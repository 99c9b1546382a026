package ratelimit

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

//go:embed bucket.lua
var bucketSource string

// bucketScript is sent by its hash, and whole only when Redis answers that it does not know it, so has not run it.
var bucketScript = redis.NewScript(bucketSource)

// takeRedis takes from buckets kept in Redis. It is never repeated: a call that timed out may have taken.
func takeRedis(ctx context.Context, r *resilience.Redis, service config.Service, buckets []bucket) (Decision, error) {
	keys := make([]string, 0, len(buckets))
	args := make([]any, 0, 3*len(buckets))
	for _, b := range buckets {
		keys = append(keys, key(service, b))
		args = append(args, b.capacity, b.cost, b.perMinute)
	}
	var answer []int64
	err := r.Do(ctx, "take", func(ctx context.Context, client redis.UniversalClient) error {
		var err error
		answer, err = bucketScript.Run(ctx, client, keys, args...).Int64Slice()
		return err
	})
	if err != nil {
		return Decision{}, fmt.Errorf("taking from buckets in redis: %w", err)
	}
	if len(answer) != len(buckets)+1 {
		return Decision{}, fmt.Errorf("taking from buckets in redis: %d numbers for %d buckets", len(answer), len(buckets))
	}
	levels := make([]level, len(buckets))
	for i := range levels {
		levels[i].tokens = answer[i+1]
	}
	return decide(buckets, levels, answer[0] == 1, SourceRedis), nil
}

// key names a bucket in Redis: rag:{<namespace>/<name>}:limit:<endpoint>:<name>. The braces put all buckets of a
// service on one node of a Redis Cluster, as a script needs them.
func key(service config.Service, b bucket) string {
	return "rag:{" + part(service.Namespace) + "/" + part(service.Name) + "}:limit:" +
		part(b.Limit.Endpoint) + ":" + part(b.Name)
}

// part is a text as a part of a key: what separates parts is encoded.
func part(s string) string { return url.QueryEscape(s) }
