package stats

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// maxShared bounds what is read of a tenant of another server, in bytes.
const maxShared = 1 << 20

// Run shares the figures at once and every shareEvery, until ctx ends.
func (b *Board) Run(ctx context.Context) {
	if b.options.Redis == nil {
		return
	}
	tick := time.NewTicker(shareEvery)
	defer tick.Stop()
	for {
		_ = b.Share(ctx) // what fails is in the metrics, and shared the next time
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Close shares what was counted last.
func (b *Board) Close(ctx context.Context) error {
	if b.options.Redis == nil {
		return nil
	}
	b.sharing.Lock()
	b.queriesShared = time.Time{}
	b.sharing.Unlock()
	_ = b.Share(ctx) // without Redis the last seconds are lost; nobody can do anything about it
	return nil
}

// startsKey is the set of starts that have shared, by when they last did, in milliseconds since 1970.
func (b *Board) startsKey() string { return b.options.Prefix() + ":stats" }

// recordKey and queriesKey are what a start has shared of a tenant.
func (b *Board) recordKey(start, tenant string) string {
	return b.startsKey() + ":" + start + ":" + url.QueryEscape(tenant)
}

func (b *Board) queriesKey(start, tenant string) string {
	return b.recordKey(start, tenant) + ":queries"
}

// entry is a key and its value; an empty value is to be removed.
type entry struct {
	key   string
	value []byte
}

// Share shares what has changed since it last did, in one round trip.
func (b *Board) Share(ctx context.Context) error {
	b.sharing.Lock()
	defer b.sharing.Unlock()
	now := b.options.Now()
	var entries []entry
	for _, r := range b.options.Traffic.Share(now.Add(-againAfter), tenantsAtOnce) {
		entries = append(entries, entry{b.recordKey(b.start, r.Tenant), encode(r.Record)})
	}
	entries = append(entries, b.changedQueries(now)...)
	for _, key := range b.removed {
		entries = append(entries, entry{key: key})
	}
	known := false
	err := b.options.Redis.Do(resilience.WithoutRedisBudget(ctx), "stats", func(ctx context.Context, client redis.UniversalClient) error {
		var added *redis.IntCmd
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, e := range entries {
				if e.value == nil {
					p.Unlink(ctx, e.key)
				} else {
					p.Set(ctx, e.key, e.value, keptFor)
				}
			}
			added = p.ZAdd(ctx, b.startsKey(), redis.Z{Score: float64(now.UnixMilli()), Member: b.start})
			p.ZRemRangeByScore(ctx, b.startsKey(), "-inf", strconv.FormatInt(now.Add(-keptFor).UnixMilli(), 10))
			p.Expire(ctx, b.startsKey(), keptFor)
			return nil
		})
		known = err == nil && added.Val() == 0
		return err
	})
	if err == nil {
		b.removed = nil
	}
	if err != nil || !known { // it is not known what arrived, or Redis has lost what was there
		b.options.Traffic.Unshare()
		b.queries.unshare()
		b.queriesShared = time.Time{}
	}
	return err
}

// changedQueries are those to be shared now: every shareQueriesEvery, and at once when less may be told of them than before.
func (b *Board) changedQueries(now time.Time) (entries []entry) {
	detail := b.options.LogQueries()
	if detail != b.detail {
		b.detail, b.queriesShared = detail, time.Time{}
		switch detail {
		case config.LogQueriesFull:
		case config.LogQueriesNone:
			for _, tenant := range b.queries.forget() {
				b.removed = append(b.removed, b.queriesKey(b.start, tenant))
			}
		default:
			b.queries.forgetTexts()
		}
	}
	if now.Sub(b.queriesShared) < shareQueriesEvery {
		return nil
	}
	b.queriesShared = now
	for tenant, q := range b.queries.changed(now.Add(-againAfter)) {
		entries = append(entries, entry{b.queriesKey(b.start, tenant), encode(q)})
	}
	return entries
}

// read is what all servers have shared of a tenant, by their start; whole says that all of it could be read.
func (b *Board) read(ctx context.Context, tenant string) (all map[string]*shared, whole bool) {
	all, whole = map[string]*shared{}, true
	err := b.options.Redis.Do(ctx, "stats", func(ctx context.Context, client redis.UniversalClient) error {
		since := b.options.Now().Add(-keptFor).UnixMilli()
		starts, err := client.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
			Key: b.startsKey(), Start: "+inf", Stop: since, ByScore: true, Rev: true, Count: startsRead,
		}).Result()
		if err != nil {
			return err
		}
		records, queries, err := b.readStarts(ctx, client, tenant, starts)
		for _, z := range starts {
			start, _ := z.Member.(string)
			if records[start] == nil || err != nil {
				continue
			}
			s := &shared{at: time.UnixMilli(int64(z.Score)), Record: telemetry.Record{Started: startedAt(start)}}
			if errors.Join(decode(records[start], &s.Record), decode(queries[start], &s.queries)) != nil {
				whole = false
				continue
			}
			all[start] = s
		}
		return err
	})
	return all, whole && err == nil
}

// readStarts asks for what other starts than this one have shared.
func (b *Board) readStarts(
	ctx context.Context, client redis.UniversalClient, tenant string, starts []redis.Z,
) (records, queries map[string]*redis.StringCmd, err error) {
	records, queries = map[string]*redis.StringCmd{}, map[string]*redis.StringCmd{}
	_, err = client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, z := range starts {
			start, _ := z.Member.(string)
			if start == b.start {
				continue
			}
			records[start] = p.Get(ctx, b.recordKey(start, tenant))
			queries[start] = p.Get(ctx, b.queriesKey(start, tenant))
		}
		return nil
	})
	if errors.Is(err, redis.Nil) { // somebody has shared nothing of the tenant
		err = nil
	}
	return records, queries, err
}

// startedAt is when a start was, in milliseconds since 1970.
func startedAt(start string) int64 {
	began, _, _ := strings.Cut(start, "-")
	ms, err := strconv.ParseInt(began, 10, 64)
	if err != nil {
		return math.MaxInt64 // nobody writes one: it says nothing of when
	}
	return ms
}

// encode is a value as it goes to Redis.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // they are numbers and strings
	}
	return s2.Encode(nil, data)
}

// decode reads what encode made, if there is anything.
func decode(from *redis.StringCmd, into any) error {
	value, err := from.Bytes()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return err
	}
	if n, err := s2.DecodedLen(value); err != nil || n > maxShared {
		return errUnreadable
	}
	data, err := s2.Decode(nil, value)
	if err != nil || json.Unmarshal(data, into) != nil {
		return errUnreadable
	}
	return nil
}

// errUnreadable is a value that no server of this service has written.
var errUnreadable = errors.New("figures of another server cannot be read")
