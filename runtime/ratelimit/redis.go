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

// take is a request's turn at the script, and what the script answered.
type take struct {
	keys   []string
	args   []any
	answer []int64
}

// newTakes takes from buckets kept in Redis, for requests that come at a time in one round trip. Nothing is repeated: a
// call that timed out may have taken.
func newTakes(r *resilience.Redis) *resilience.RedisBatch[*take] {
	return resilience.NewRedisBatch(r, "take", runScripts)
}

// runScripts runs the script for each take, whole for those that Redis answers it does not know it for.
func runScripts(ctx context.Context, client redis.UniversalClient, takes []*take) []error {
	answers, errs := pipelined(ctx, client, takes, bucketScript.EvalSha), make([]error, len(takes))
	var unknown []*take
	for i, answer := range answers {
		if redis.HasErrorPrefix(answer.Err(), "NOSCRIPT") {
			unknown = append(unknown, takes[i])
		}
	}
	if len(unknown) > 0 {
		again := pipelined(ctx, client, unknown, bucketScript.Eval)
		for i := range answers {
			if redis.HasErrorPrefix(answers[i].Err(), "NOSCRIPT") {
				answers[i], again = again[0], again[1:]
			}
		}
	}
	for i, answer := range answers {
		takes[i].answer, errs[i] = answer.Int64Slice()
	}
	return errs
}

// pipelined sends all takes before it reads the first answer.
func pipelined(
	ctx context.Context, client redis.UniversalClient, takes []*take,
	run func(ctx context.Context, c redis.Scripter, keys []string, args ...any) *redis.Cmd,
) []*redis.Cmd {
	answers := make([]*redis.Cmd, len(takes))
	if len(takes) == 1 {
		answers[0] = run(ctx, client, takes[0].keys, takes[0].args...)
		return answers
	}
	pipeline := client.Pipeline()
	for i, t := range takes {
		answers[i] = run(ctx, pipeline, t.keys, t.args...)
	}
	_, _ = pipeline.Exec(ctx) // each answer has its error
	return answers
}

// takeRedis takes from buckets kept in Redis.
func takeRedis(ctx context.Context, takes *resilience.RedisBatch[*take], service config.Service, buckets []bucket) (Decision, error) {
	t := &take{keys: make([]string, 0, len(buckets)), args: make([]any, 0, 3*len(buckets))}
	for _, b := range buckets {
		t.keys = append(t.keys, key(service, b))
		t.args = append(t.args, b.capacity, b.cost, b.perMinute)
	}
	if err := takes.Do(ctx, t); err != nil {
		return Decision{}, fmt.Errorf("taking from buckets in redis: %w", err)
	}
	if len(t.answer) != len(buckets)+1 {
		return Decision{}, fmt.Errorf("taking from buckets in redis: %d numbers for %d buckets", len(t.answer), len(buckets))
	}
	levels := make([]level, len(buckets))
	for i := range levels {
		levels[i].tokens = t.answer[i+1]
	}
	return decide(buckets, levels, t.answer[0] == 1, SourceRedis), nil
}

// key names a bucket in Redis: rag:{<namespace>/<name>}:limit:<endpoint>:<name>. The braces put all buckets of a
// service on one node of a Redis Cluster, as a script needs them.
func key(service config.Service, b bucket) string {
	return "rag:{" + part(service.Namespace) + "/" + part(service.Name) + "}:limit:" +
		part(b.Limit.Endpoint) + ":" + part(b.Name)
}

// part is a text as a part of a key: what separates parts is encoded.
func part(s string) string { return url.QueryEscape(s) }
