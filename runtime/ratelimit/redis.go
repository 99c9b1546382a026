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

// take is a request's turn at the script. ask are the further requests to lease of each bucket; nil for none. The script answers
// whether it is admitted, then of each bucket its tokens and the requests that were leased.
type take struct {
	buckets []bucket
	ask     []int64
	keys    []string
	answer  []int64
}

func (t *take) admitted() bool     { return t.answer[0] == 1 }
func (t *take) tokens(i int) int64 { return t.answer[1+2*i] }
func (t *take) leased(i int) int64 {
	if t.buckets[i].whole {
		return 0
	}
	return t.answer[2+2*i]
}

// since is the microseconds since a bucket gained its last whole token.
func (t *take) since(i int) int64 {
	if !t.buckets[i].whole {
		return 0
	}
	return t.answer[2+2*i]
}

// newTakes takes from buckets kept in Redis. Requests that come at a time are decided by one run of the script. Nothing is
// repeated: a call that timed out may have taken.
func newTakes(r *resilience.Redis) *resilience.RedisBatch[*take] {
	return resilience.NewRedisBatch(r, "take", runScript)
}

// runScript decides takes in their order.
func runScript(ctx context.Context, client redis.UniversalClient, takes []*take) []error {
	buckets := 0
	for _, t := range takes {
		buckets += len(t.buckets)
	}
	keys, args := make([]string, 0, buckets), make([]any, 0, len(takes)+4*buckets)
	for _, t := range takes {
		keys = append(keys, t.keys...)
		args = append(args, len(t.buckets))
		for i, b := range t.buckets {
			lease := int64(0)
			switch {
			case b.whole:
				lease = -1
			case t.ask != nil:
				lease = t.ask[i]
			}
			args = append(args, b.capacity, b.cost, b.perMinute, lease)
		}
	}
	numbers, err := bucketScript.EvalSha(ctx, client, keys, args...).Int64Slice()
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		numbers, err = bucketScript.Eval(ctx, client, keys, args...).Int64Slice()
	}
	if err == nil && len(numbers) != len(takes)+2*buckets {
		err = badReply(fmt.Sprintf("%d numbers for %d requests and %d buckets", len(numbers), len(takes), buckets))
	}
	errs := make([]error, len(takes))
	for i, t := range takes {
		if errs[i] = err; err != nil {
			continue
		}
		t.answer, numbers = numbers[:1+2*len(t.buckets)], numbers[1+2*len(t.buckets):]
		if t.answer[0] < 0 {
			errs[i] = badReply("a key of the request holds no bucket")
		}
	}
	return errs
}

// badReply is an error that Redis has answered in numbers. It says nothing of whether Redis is there.
type badReply string

func (e badReply) Error() string { return string(e) }

// RedisError marks it as a reply, as go-redis marks those that it reads.
func (e badReply) RedisError() {}

func newTake(service config.Service, buckets []bucket, ask []int64) *take {
	t := &take{buckets: buckets, ask: ask, keys: make([]string, len(buckets))}
	for i, b := range buckets {
		t.keys[i] = key(service, b)
	}
	return t
}

// decision is what the script's answer means.
func (t *take) decision() Decision {
	levels := make([]level, len(t.buckets))
	for i := range levels {
		levels[i] = level{tokens: t.tokens(i) + t.leased(i)*t.buckets[i].cost, at: -t.since(i)}
	}
	return decide(t.buckets, levels, 0, t.admitted(), SourceRedis) // times are those since the script ran
}

// key names a bucket in Redis: rag:{<namespace>/<name>}:limit:<endpoint>:<name>.
func key(service config.Service, b bucket) string {
	return Prefix(service) + ":limit:" + part(b.Limit.Endpoint) + ":" + part(b.Name)
}

// Prefix is what the keys of a service's buckets begin with. The braces put all of them into one slot of a Redis Cluster, as a script
// needs them.
func Prefix(service config.Service) string {
	return "rag:{" + part(service.Namespace) + "/" + part(service.Name) + "}"
}

// part is a text as a part of a key: what separates parts is encoded.
func part(s string) string { return url.QueryEscape(s) }
