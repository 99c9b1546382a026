package dashboards

const (
	results = "ragservice_cache_requests_total"
	lookups = "ragservice_cache_lookups_total"
)

// hitShare is the share of requests that the cache answered, of those that could have been, as the alert and CacheEffective count it: stale results are neither. matchers end with a comma where there are some.
func hitShare(matchers, by string) string {
	if by != "" {
		return perSecond(results, matchers+`outcome="HIT"`, by) + " / " + perSecond(results, matchers+`outcome=~"HIT|MISS"`, by)
	}
	return share(perSecond(results, matchers+`outcome="HIT"`, ""), perSecond(results, matchers+`outcome=~"HIT|MISS"`, ""))
}

func cachePerformance() Dashboard {
	return Dashboard{
		Name: "cache-performance", Title: "Cache Performance", period: "6h",
		about: "Whether the cache earns its keep: how much it answers, by kind and layer, what it saves, and how full it is.",
		rows: []row{
			{"Now", cacheNow()},
			{"Hit rate", cacheHits()},
			{"Layers", cacheLayers()},
			{"Savings", cacheSavings()},
			{"Redis of the cache", cacheStore()},
		},
	}
}

var hitSteps = []step{{0, bad}, {0.3, fair}, {0.5, good}}

func cacheNow() []panel {
	return []panel{
		{
			title: "Hit rate", about: "Share of requests that the cache answered, those that asked for no cache left out.", page: cachePage,
			kind: number, unit: "percentunit", width: 4, steps: hitSteps, queries: []query{{hitShare("", ""), "hits"}},
		},
		{
			title: "Of searches", about: "Share of searches that needed no look into the index.", page: cachePage,
			kind: number, unit: "percentunit", width: 4, steps: hitSteps, queries: []query{{hitShare(`kind="search",`, ""), "hits"}},
		},
		{
			title: "Of answers", about: "Share of answers that needed no language model.", page: cachePage,
			kind: number, unit: "percentunit", width: 4, steps: hitSteps, queries: []query{{hitShare(`kind="llm",`, ""), "hits"}},
		},
		{
			title: "Tokens saved", about: "In the time that is shown.", page: cachePage, kind: total, unit: "short", width: 4, steps: []step{{0, plain}},
			queries: []query{{during("ragservice_cache_saved_tokens_total", ""), "tokens"}},
		},
		{
			title: "Dollars saved", about: "What those tokens would have cost by models.llm.pricing, in the time that is shown.", page: cachePage,
			kind: total, unit: "currencyUSD", width: 4, steps: []step{{0, good}}, queries: []query{{during("ragservice_cache_saved_usd_total", ""), "saved"}},
		},
		{
			title: "Memory used", about: "Share of the memory that the Redis of the cache may use. It makes room by itself.", page: cachePage,
			kind: number, unit: "percentunit", width: 4, steps: []step{{0, good}, {0.9, fair}},
			queries: []query{{`max(ragservice_redis_memory_used_bytes{$own,redis="cache"} / (ragservice_redis_memory_max_bytes{$own,redis="cache"} > 0))`, "used"}},
		},
	}
}

func cacheHits() []panel {
	return []panel{
		{
			title: "Hit rate by kind", about: "search are results of the index, llm answers of models.", page: cachePage, unit: "percentunit", width: 8,
			share: true, worded: true, steps: []step{{0, "transparent"}, {0.5, fair}}, queries: []query{{hitShare("", "kind"), "{{kind}}"}},
		},
		{
			title: "Searches by outcome", about: "STALE were served although over, since the index failed; BYPASS asked for no cache.", page: cachePage,
			unit: "reqps", width: 8, stacked: true, worded: true, queries: []query{{perSecond(results, `kind="search"`, "outcome"), "{{outcome}}"}},
		},
		{
			title: "Answers by outcome", about: "STALE were served although over, since the model failed; BYPASS asked for no cache.", page: cachePage,
			unit: "reqps", width: 8, stacked: true, worded: true, queries: []query{{perSecond(results, `kind="llm"`, "outcome"), "{{outcome}}"}},
		},
	}
}

func cacheLayers() []panel {
	layerShare := func(layer string) query {
		return query{
			share(perSecond(lookups, `layer="`+layer+`",outcome="hit"`, ""), perSecond(lookups, `layer=~"local|coalesced",outcome=~"hit|miss|stale"`, "")), layer,
		}
	}
	return []panel{
		{
			title: "Hits by layer", about: "local is the memory of a server, coalesced a request that joined the work of another, redis what all servers share.",
			page: "cache.md#where", unit: "ops", width: 8, stacked: true, queries: []query{{perSecond(lookups, `outcome="hit"`, "layer"), "{{layer}}"}},
		},
		{
			title: "Share of look-ups that each layer answers", about: "Of all that are begun; the rest is made anew.", page: "cache.md#where",
			unit: "percentunit", width: 8, stacked: true, share: true, queries: []query{layerShare("local"), layerShare("coalesced"), layerShare("redis")},
		},
		{
			title: "Look-ups in Redis", about: "error is a cache that cannot be asked: requests go on without it.", page: "reasons.md#redisready",
			unit: "ops", width: 8, stacked: true, worded: true, queries: []query{{perSecond(lookups, `layer="redis"`, "outcome"), "{{outcome}}"}},
		},
	}
}

func cacheSavings() []panel {
	return []panel{
		{
			title: "Tokens saved a second", about: "That no model had to read (input) or write (output).", page: cachePage, unit: "short", width: 12,
			stacked: true, worded: true, queries: []query{{perSecond("ragservice_cache_saved_tokens_total", "", "gen_ai_token_type"), "{{gen_ai_token_type}}"}},
		},
		{
			title: "Dollars saved an hour", about: "At the rate of now, by models.llm.pricing.", page: cachePage, unit: "currencyUSD", width: 12,
			queries: []query{{"3600 * " + perSecond("ragservice_cache_saved_usd_total", "", "gen_ai_request_model"), "{{gen_ai_request_model}}"}},
		},
	}
}

func cacheStore() []panel {
	return []panel{
		{
			title: "Memory", about: "What the Redis of the cache uses for data, and may use.", page: cachePage, unit: "bytes", width: 6,
			queries: []query{
				{`max(ragservice_redis_memory_used_bytes{$own,redis="cache"})`, "used"}, {`max(ragservice_redis_memory_max_bytes{$own,redis="cache"} > 0)`, "bound"},
			},
		},
		{
			title: "Entries", about: "Keys in the Redis of the cache.", page: cachePage, unit: "short", width: 6,
			queries: []query{{`max(ragservice_redis_keys{$own,redis="cache"})`, "keys"}},
		},
		{
			title: "Entries that went", about: "expired were over; evicted made room for others: many are a cache that is too small.", page: cachePage,
			unit: "ops", width: 6,
			queries: []query{
				{`max(rate(ragservice_redis_expired_keys_total{$own,redis="cache"}[$in]))`, "expired"},
				{`max(rate(ragservice_redis_evicted_keys_total{$own,redis="cache"}[$in]))`, "evicted"},
			},
		},
		{
			title: "Time of a look-up", about: "Of operations on the Redis of the cache.", page: cachePage, unit: "s", width: 6, worded: true,
			queries: []query{
				{quantile("0.5", "ragservice_redis_operation_duration_seconds", `redis="cache"`, ""), "p50"},
				{quantile("0.95", "ragservice_redis_operation_duration_seconds", `redis="cache"`, ""), "p95"},
			},
		},
	}
}
