package dashboards

func systemHealth() Dashboard {
	return Dashboard{
		Name: "system-health", Title: "System Health", period: "1h",
		about: "Whether a RAGService works: its conditions, its servers, its stores and what the operator does.",
		rows: []row{
			{"Now", healthNow()},
			{"States", healthStates()},
			{"Servers", serverHealth()},
			{"Redis", redisHealth()},
			{"OpenSearch", searchHealth()},
			{"Operator", operatorHealth()},
		},
	}
}

var conditionNames = map[string]state{"1": {"True", good}, "0": {"False", bad}, "-1": {"Unknown", "#8a8f98"}}

func healthNow() []panel {
	return []panel{
		{
			title: "Ready", about: "The condition Ready of the RAGService, as the operator judges it.", page: "reasons.md#ready",
			kind: number, width: 4, names: conditionNames, steps: []step{{0, bad}, {1, good}},
			queries: []query{{`max(` + operator("ragservice_operator_condition", `type="Ready"`) + `)`, "Ready"}},
		},
		{
			title: "Servers", about: "Servers that Prometheus reaches.", page: "reasons.md#serverready",
			kind: number, unit: "short", width: 4, steps: []step{{0, bad}, {1, good}},
			queries: []query{{`sum(up{$own})`, "servers"}},
		},
		{
			title: "Failed requests", about: "Share of requests that failed for a reason of the service, streams that broke off included.",
			page: errorPage, kind: number, unit: "percentunit", width: 4, steps: []step{{0, good}, {0.01, fair}, {0.05, bad}},
			queries: []query{{errorShare("$in"), "failed"}},
		},
		{
			title: "Dependencies given up", about: "Circuit breakers that are open on at least one server: calls to that dependency fail at once.",
			page: "reasons.md", kind: number, unit: "short", width: 4, steps: []step{{0, good}, {1, bad}},
			queries: []query{{`sum(max by (dependency) (ragservice_breaker_state{$own,state="open"}))`, "open"}},
		},
		{
			title: "Model answers", about: "Share of requests to language models that were answered, refusals of the model included.",
			page: modelPage, kind: number, unit: "percentunit", width: 4, steps: []step{{0, bad}, {0.95, fair}, {0.99, good}},
			queries: []query{{perSecond("ragservice_llm_requests_total", `outcome="answered"`, "") + " / " + perSecond("ragservice_llm_requests_total", "", ""), "answered"}},
		},
		{
			title: "Fullest disk", about: "Of the nodes of OpenSearch. It refuses documents from 95 % on.",
			page: diskPage, kind: number, unit: "percentunit", width: 4, steps: []step{{0, good}, {0.7, fair}, {0.8, bad}},
			queries: []query{{`max(1 - ragservice_opensearch_disk_available_bytes{$own} / ragservice_opensearch_disk_total_bytes{$own})`, "used"}},
		},
	}
}

func healthStates() []panel {
	return []panel{
		{
			title: "Conditions", about: "Conditions of the RAGService over time.", page: "reasons.md",
			kind: states, width: 12, names: conditionNames, steps: []step{{0, bad}, {1, good}},
			queries: []query{{`max by (type) (` + operator("ragservice_operator_condition", `type!~"Reconciling|Stalled"`) + `)`, "{{type}}"}},
		},
		{
			title: "Circuit breakers", about: "What the servers think of their dependencies: open fails calls at once, half open lets one through to see.",
			page: "reasons.md", kind: states, width: 12, steps: []step{{0, good}, {1, fair}, {2, bad}},
			names: map[string]state{"0": {"closed", good}, "1": {"half open", fair}, "2": {"open", bad}},
			queries: []query{{
				`max by (dependency) (2 * ragservice_breaker_state{$own,state="open"} or ragservice_breaker_state{$own,state="half_open"})`, "{{dependency}}",
			}},
		},
	}
}

func serverHealth() []panel {
	return []panel{
		{
			title: "CPU", about: "Processors that each server keeps busy.", page: "performance.md", unit: "short", width: 6,
			queries: []query{{`sum by (pod) (rate(process_cpu_seconds_total{$own}[$in]))`, "{{pod}}"}},
		},
		{
			title: "Memory", about: "Memory of each server's process.", page: "performance.md", unit: "bytes", width: 6,
			queries: []query{{`sum by (pod) (process_resident_memory_bytes{$own})`, "{{pod}}"}},
		},
		{
			title: "Network", about: "What all servers receive and send.", page: "metrics.md", unit: "Bps", width: 6, worded: true,
			queries: []query{
				{perSecond("process_network_receive_bytes_total", "", ""), "received"}, {perSecond("process_network_transmit_bytes_total", "", ""), "sent"},
			},
		},
		{
			title: "Requests in work", about: "Requests that are being answered, and those that wait because the servers work on as many as they may.",
			page: "clusters.md", unit: "short", width: 6,
			queries: []query{{`sum(http_server_active_requests{$own})`, "answered now"}, {`sum(ragservice_requests_waiting{$own})`, "waiting"}},
		},
		{
			title: "Time since start", about: "A line that falls is a server that was started anew.", page: "reasons.md#serverready", unit: "s", width: 12,
			queries: []query{{`max by (pod) (time() - process_start_time_seconds{$own})`, "{{pod}}"}},
		},
		{
			title: "Configuration", about: "Servers by the hash of the configuration that they run: two lines for long are servers that do not take it up.",
			page: "reasons.md#configapplied", unit: "short", width: 12,
			queries: []query{{`sum by (hash) (ragservice_config_info{$own} == 1)`, "{{hash}}"}},
		},
	}
}

func redisHealth() []panel {
	return []panel{
		{
			title: "Memory used", about: "Share of the memory that each Redis may use. The cache makes room by itself; a full state loses counts.",
			page: "cache.md", unit: "percentunit", width: 6, share: true, worded: true, steps: []step{{0, "transparent"}, {0.9, bad}},
			queries: []query{{`max by (redis) (ragservice_redis_memory_used_bytes{$own} / (ragservice_redis_memory_max_bytes{$own} > 0))`, "{{redis}}"}},
		},
		{
			title: "Commands", about: "What each Redis carries out, of all its clients.", page: "metrics.md", unit: "ops", width: 6, worded: true,
			queries: []query{{`max by (redis) (rate(ragservice_redis_commands_total{$own}[$in]))`, "{{redis}}"}},
		},
		{
			title: "Slowest operations", about: "99th percentile of the time that requests wait for Redis. Nothing waits longer than 60 ms.",
			page: "metrics.md", unit: "s", width: 6, worded: true,
			queries: []query{{quantile("0.99", "ragservice_redis_operation_duration_seconds", "", "redis"), "{{redis}}"}},
		},
		{
			title: "Operations by outcome", about: "All but ok are operations that requests went on without.", page: "reasons.md#redisready",
			unit: "ops", width: 6, stacked: true, worded: true,
			queries: []query{{perSecond("ragservice_redis_operation_duration_seconds_count", "", "outcome"), "{{outcome}}"}},
		},
		{
			title: "CPU", about: "Processor time of each Redis.", page: "metrics.md", unit: "short", width: 6, worded: true,
			queries: []query{{`max by (redis) (rate(ragservice_redis_cpu_seconds_total{$own}[$in]))`, "{{redis}}"}},
		},
		{
			title: "Network", about: "What both Redis receive and send.", page: "metrics.md", unit: "Bps", width: 6, worded: true,
			queries: []query{
				{`sum(max by (redis) (rate(ragservice_redis_network_receive_bytes_total{$own}[$in])))`, "received"},
				{`sum(max by (redis) (rate(ragservice_redis_network_transmit_bytes_total{$own}[$in])))`, "sent"},
			},
		},
		{
			title: "Connections", about: "Clients of each Redis.", page: "metrics.md", unit: "short", width: 6, worded: true,
			queries: []query{{`max by (redis) (ragservice_redis_clients{$own})`, "{{redis}}"}},
		},
		{
			title: "Append-only file", about: "Its size; 0 where there is none, as at the cache.", page: "clusters.md", unit: "bytes", width: 6, worded: true,
			queries: []query{{`max by (redis) (ragservice_redis_disk_used_bytes{$own})`, "{{redis}}"}},
		},
	}
}

func searchHealth() []panel {
	return []panel{
		{
			title: "Disk used", about: "Share of each node's disks. OpenSearch refuses documents from 95 % on.", page: diskPage,
			unit: "percentunit", width: 6, share: true, steps: []step{{0, "transparent"}, {0.8, bad}},
			queries: []query{{`max by (node) (1 - ragservice_opensearch_disk_available_bytes{$own} / ragservice_opensearch_disk_total_bytes{$own})`, "{{node}}"}},
		},
		{
			title: "Heap used", about: "Share of each node's heap. It saws; a node that stays above 90 % needs more.", page: "clusters.md",
			unit: "percentunit", width: 6, share: true, steps: []step{{0, "transparent"}, {0.9, bad}},
			queries: []query{{`max by (node) (ragservice_opensearch_heap_used_bytes{$own} / ragservice_opensearch_heap_max_bytes{$own})`, "{{node}}"}},
		},
		{
			title: "CPU", about: "Processors that each node keeps busy.", page: "metrics.md", unit: "short", width: 6,
			queries: []query{{`max by (node) (rate(ragservice_opensearch_cpu_seconds_total{$own}[$in]))`, "{{node}}"}},
		},
		{
			title: "Network", about: "What all nodes receive of one another and send.", page: "metrics.md", unit: "Bps", width: 6, worded: true,
			queries: []query{
				{`sum(max by (node) (rate(ragservice_opensearch_network_receive_bytes_total{$own}[$in])))`, "received"},
				{`sum(max by (node) (rate(ragservice_opensearch_network_transmit_bytes_total{$own}[$in])))`, "sent"},
			},
		},
		{
			title: "Searches of shards", about: "Of all indices of the node.", page: "metrics.md", unit: "ops", width: 6,
			queries: []query{{`max by (node) (rate(ragservice_opensearch_searches_total{$own}[$in]))`, "{{node}}"}},
		},
		{
			title: "Entries", about: "Passages and records of documents, copies included.", page: "metrics.md", unit: "short", width: 6,
			queries: []query{{`max by (node) (ragservice_opensearch_entries{$own})`, "{{node}}"}},
		},
		{
			title: "Calls by outcome", about: "Calls of the servers. All but ok are searches that failed or found less, or writes that failed.",
			page: "reasons.md#opensearchready", unit: "ops", width: 6, stacked: true, worded: true,
			queries: []query{{perSecond("ragservice_opensearch_operation_duration_seconds_count", "", "outcome"), "{{outcome}}"}},
		},
		{
			title: "Calls that wait", about: "For their turn, since the server makes as many calls as it may.", page: "clusters.md", unit: "short", width: 6,
			queries: []query{{`sum by (dependency) (ragservice_dependency_calls_waiting{$own})`, "{{dependency}}"}},
		},
	}
}

func operatorHealth() []panel {
	return []panel{
		{
			title: "Passes", about: "Passes of the operator over all RAGServices, by result. error is tried again.", page: "metrics.md#the-operators",
			unit: "ops", width: 6, stacked: true, worded: true,
			queries: []query{{`sum by (result) (rate(controller_runtime_reconcile_total{controller="ragservice-operator"}[$in]))`, "{{result}}"}},
		},
		{
			title: "Time of a pass", about: "95th percentile.", page: "metrics.md#the-operators", unit: "s", width: 6, worded: true,
			queries: []query{{`histogram_quantile(0.95, sum by (le) (rate(controller_runtime_reconcile_time_seconds_bucket{controller="ragservice-operator"}[$in])))`, "p95"}},
		},
		{
			title: "Objects written", about: "drift_repaired that goes on is somebody who fights with the operator over an object.",
			page: "metrics.md#the-operators", unit: "short", width: 6, stacked: true,
			queries: []query{{`sum by (change) (increase(ragservice_operator_child_changes_total[$in]))`, "{{change}}"}},
		},
		{
			title: "Questions to servers", about: "The operator asks each server for its state, by outcome.", page: "reasons.md#configapplied",
			unit: "ops", width: 6, stacked: true, worded: true,
			queries: []query{{`sum by (outcome) (rate(ragservice_operator_server_polls_total[$in]))`, "{{outcome}}"}},
		},
	}
}
