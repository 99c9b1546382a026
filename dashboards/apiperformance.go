package dashboards

// Pages that several panels link to.
const (
	errorPage   = "runbooks/error-rate.md"
	codesPage   = "http-api.md#errors"
	latencyPage = "performance.md"
	modelPage   = "reasons.md#modelsready"
	diskPage    = "clusters.md"
	cachePage   = "cache.md"
)

const requestTime = "http_server_request_duration_seconds"

// answers are the routes by which questions are asked. The others are of people who run the service, and of OpenAI's API.
const answers = `http_route=~"/api/v1/(search|ask|stream)"`

// errorShare is the share of requests that failed for a reason of the service, as the alerts judge it.
func errorShare(window string) string {
	return `sum(rate(ragservice_requests_total{$own,outcome="failed"}[` + window + `])) / sum(rate(ragservice_requests_total{$own}[` + window + `]))`
}

func apiPerformance() Dashboard {
	return Dashboard{
		Name: "api-performance", Title: "API Performance", period: "1h",
		about: "What callers see: how much they ask, how long it takes, what fails, who is refused, and where the time goes.",
		rows: []row{
			{"Now", apiNow()},
			{"Requests", apiRequests()},
			{"Error budget", apiErrorBudget()},
			{"Time", apiTime()},
			{"Where the time goes", apiParts()},
			{"Limits", apiLimits()},
			{"Documents", apiDocuments()},
		},
	}
}

func apiNow() []panel {
	return []panel{
		{
			title: "Requests", about: "Requests a second of all routes.", page: "http-api.md", kind: number, unit: "reqps", width: 4,
			steps: []step{{0, plain}}, queries: []query{{perSecond(requestTime+"_count", "", ""), "requests"}},
		},
		{
			title: "Failed requests", about: "Share of requests that failed for a reason of the service, streams that broke off included.",
			page: errorPage, kind: number, unit: "percentunit", width: 4, steps: []step{{0, good}, {0.01, fair}, {0.05, bad}},
			queries: []query{{errorShare("$in"), "failed"}},
		},
		{
			title: "Search, p95", about: "95 of 100 searches take no longer.", page: latencyPage, kind: number, unit: "s", width: 4,
			steps: []step{{0, good}, {1, fair}, {5, bad}}, queries: []query{{quantile("0.95", requestTime, `http_route="/api/v1/search"`, ""), "p95"}},
		},
		{
			title: "Ask, p95", about: "95 of 100 answers take no longer, with the time of the model.", page: latencyPage, kind: number, unit: "s", width: 4,
			steps: []step{{0, good}, {5, fair}, {30, bad}}, queries: []query{{quantile("0.95", requestTime, `http_route="/api/v1/ask"`, ""), "p95"}},
		},
		{
			title: "Refused by limits", about: "Share of decisions of the rate limiter.", page: "rate-limits.md", kind: number, unit: "percentunit", width: 4,
			steps: []step{{0, good}, {0.05, fair}, {0.25, bad}},
			queries: []query{{share(perSecond("ragservice_ratelimit_decisions_total", `decision="refused"`, ""),
				perSecond("ragservice_ratelimit_decisions_total", "", "")), "refused"}},
		},
		{
			title: "In work", about: "Requests that are being answered or wait for their turn.", page: "clusters.md", kind: number, unit: "short", width: 4,
			steps: []step{{0, plain}}, queries: []query{{`sum(http_server_active_requests{$own})`, "in work"}},
		},
	}
}

func apiRequests() []panel {
	return []panel{
		{
			title: "By route", about: "The empty route is of requests that match none.", page: "http-api.md", unit: "reqps", width: 8, stacked: true,
			queries: []query{{perSecond(requestTime+"_count", "", "http_route"), "{{http_route}}"}},
		},
		{
			title: "By status", about: "429 are refused by limits, 499 are clients that left. A stream that broke off has 200.", page: codesPage,
			unit: "reqps", width: 8, stacked: true,
			queries: []query{{perSecond(requestTime+"_count", "", "http_response_status_code"), "{{http_response_status_code}}"}},
		},
		{
			title: "Errors by code", about: "The code of the answer, or of the event in which a stream ended.", page: codesPage, unit: "reqps", width: 8,
			stacked: true, queries: []query{{perSecond("ragservice_errors_total", "", "code"), "{{code}}"}},
		},
	}
}

func apiErrorBudget() []panel {
	return []panel{
		{
			title: "Failed requests over longer times", page: "runbooks/error-budget-burn.md", unit: "percentunit", width: 24,
			about:   "The alerts of the error budget look at these. What may fail in 30 days is 100 % less alerts.errorRate.objectivePercent: half a percent by default.",
			queries: []query{{errorShare("1h"), "1 hour"}, {errorShare("6h"), "6 hours"}, {errorShare("3d"), "3 days"}},
		},
	}
}

func apiTime() []panel {
	quantiles := func(matchers string) []query {
		return []query{
			{quantile("0.5", requestTime, matchers, ""), "p50"}, {quantile("0.95", requestTime, matchers, ""), "p95"},
			{quantile("0.99", requestTime, matchers, ""), "p99"},
		}
	}
	return []panel{
		{
			title: "Search", about: "From a request's headers to the end of its answer.", page: latencyPage, unit: "s", width: 8, worded: true,
			queries: quantiles(`http_route="/api/v1/search"`),
		},
		{
			title: "Ask", about: "From a request's headers to the end of its answer, with the time of the model.", page: latencyPage, unit: "s",
			width: 8, worded: true, queries: quantiles(`http_route="/api/v1/ask"`),
		},
		{
			title: "Stream", about: "The whole length of streams.", page: latencyPage, unit: "s", width: 8, worded: true,
			queries: quantiles(`http_route="/api/v1/stream"`),
		},
	}
}

func apiParts() []panel {
	return []panel{
		{
			title: "Finding passages, p95", about: "In the index, by mode; searches that the cache answers do not get here.", page: "retrieval.md",
			unit: "s", width: 6, queries: []query{{quantile("0.95", "ragservice_retrieval_duration_seconds", "", "mode"), "{{mode}}"}},
		},
		{
			title: "Language models, p95", about: "Of requests with their retries, by model; failed ones too.", page: modelPage, unit: "s", width: 6,
			queries: []query{{quantile("0.95", "gen_ai_client_operation_duration_seconds", "", "gen_ai_request_model"), "{{gen_ai_request_model}}"}},
		},
		{
			title: "OpenSearch, p95", about: "Of calls, by what they do.", page: "metrics.md", unit: "s", width: 6,
			queries: []query{{quantile("0.95", "ragservice_opensearch_operation_duration_seconds", "", "operation"), "{{operation}}"}},
		},
		{
			title: "Redis, p95", about: "Of operations, by what they do. Nothing waits longer than 60 ms.", page: "metrics.md", unit: "s", width: 6,
			queries: []query{{quantile("0.95", "ragservice_redis_operation_duration_seconds", "", "operation"), "{{operation}}"}},
		},
		{
			title: "Requests to models", about: "By model, and failed ones by code.", page: modelPage, unit: "reqps", width: 12, stacked: true,
			queries: []query{{perSecond("gen_ai_client_operation_duration_seconds_count", "", "gen_ai_request_model, error_type"),
				"{{gen_ai_request_model}} {{error_type}}"}},
		},
		{
			title: "Documents found", about: "Documents of which a search found passages: the median, and the most of 95 of 100 searches.",
			page: "retrieval.md", unit: "short", width: 12, worded: true,
			queries: []query{
				{quantile("0.5", "ragservice_retrieval_documents", "", ""), "p50"}, {quantile("0.95", "ragservice_retrieval_documents", "", ""), "p95"},
			},
		},
	}
}

func apiLimits() []panel {
	return []panel{
		{
			title: "Decisions", about: "Of the rate limiter. shadowed were over a limit that is only tried.", page: "rate-limits.md", unit: "reqps",
			width: 6, stacked: true, worded: true,
			queries: []query{{perSecond("ragservice_ratelimit_decisions_total", "", "decision"), "{{decision}}"}},
		},
		{
			title: "Refused", about: "By endpoint and tier.", page: "rate-limits.md#refusals", unit: "reqps", width: 6, stacked: true,
			queries: []query{{perSecond("ragservice_ratelimit_decisions_total", `decision="refused"`, "endpoint, tier"), "{{endpoint}} {{tier}}"}},
		},
		{
			title: "Where limits are decided", about: "local and none are while Redis cannot be used; busy is refused by a server that has too much to decide.",
			page: "rate-limits.md", unit: "reqps", width: 6, stacked: true,
			queries: []query{{perSecond("ragservice_ratelimit_decisions_total", "", "source"), "{{source}}"}},
		},
		{
			title: "Turned away", about: "Requests refused because a server had too many at once, by endpoint.", page: "clusters.md", unit: "reqps", width: 6,
			stacked: true, queries: []query{{perSecond("ragservice_requests_shed_total", "", "endpoint"), "{{endpoint}}"}},
		},
	}
}

func apiDocuments() []panel {
	return []panel{
		{
			title: "Documents received", about: "By what became of them.", page: "http-api.md", unit: "ops", width: 12, stacked: true, worded: true,
			queries: []query{{perSecond("ragservice_documents_total", "", "status"), "{{status}}"}},
		},
		{
			title: "Uploads, p95", about: "Of requests that bring documents.", page: "http-api.md", unit: "s", width: 12, worded: true,
			queries: []query{{quantile("0.95", requestTime, `http_route="/api/v1/documents"`, ""), "p95"}},
		},
	}
}
