package alerts

import (
	"fmt"
	"strings"
)

// selector finds the series of one service's servers. Both the ServiceMonitor and the annotations of Service <name>-metrics lead to these labels;
// docs/alerts.md says what else has to set.
func selector(namespace, name string) string {
	return fmt.Sprintf(`namespace=%q,service=%q`, namespace, name+"-metrics")
}

// measure is an alert's value as Prometheus computes it, from what servers count for Value too. In queries, $of stands for the selector of the
// service's series and $in for a window.
type measure struct {
	// name is that of the series that the rules record, one for each window.
	name string
	// value is a share from 0 to 1, or seconds. enough says that it is of enough requests; empty where it is not of requests.
	value, enough string
	// now is value of the shortest window, where that is another query.
	now string
}

var (
	errorRatio = shareOf("ragservice:error_ratio", `ragservice_requests_total{outcome="failed",$of}`, `ragservice_requests_total{$of}`)
	hitRatio   = shareOf("ragservice:cache_hit_ratio",
		`ragservice_cache_requests_total{outcome="HIT",$of}`, `ragservice_cache_requests_total{outcome=~"HIT|MISS",$of}`)
	modelRatio = shareOf("ragservice:llm_answered_ratio",
		`ragservice_llm_requests_total{outcome="answered",$of}`, `ragservice_llm_requests_total{$of}`)
	answerSeconds = measure{
		name:   "ragservice:answer_seconds_p95",
		value:  `histogram_quantile(0.95, sum by (le) (increase(ragservice_answer_duration_seconds_bucket{$of}[$in])))`,
		enough: atLeast(`ragservice_answer_duration_seconds_count{$of}`),
	}
	diskRatio = measure{
		name:  "ragservice:disk_used_ratio",
		now:   `max(ragservice_opensearch_disk_used_ratio{$of})`,
		value: `max(last_over_time(ragservice_opensearch_disk_used_ratio{$of}[$in]))`,
	}
)

func shareOf(name, part, whole string) measure {
	return measure{
		name:   name,
		value:  fmt.Sprintf(`sum(increase(%s[$in])) / sum(increase(%s[$in]))`, part, whole),
		enough: atLeast(whole),
	}
}

func atLeast(counter string) string {
	return fmt.Sprintf(`sum(increase(%s[$in])) >= %d`, counter, Enough)
}

// in is the query of the value in a window; it has no result where too little was counted.
func (m measure) in(window, of string) string {
	query := m.value
	switch {
	case m.now != "" && window == nowWindow:
		query = m.now
	case m.enough != "":
		query += " and " + m.enough
	}
	return strings.NewReplacer("$of", of, "$in", window).Replace(query)
}

// recorded is the name of the series of a window.
func (m measure) recorded(window string) string { return m.name + ":" + window }
