package dashboards

import "strings"

// What the shorthands of queries stand for. A ServiceMonitor gives the target labels namespace, service and pod, and scraping by annotations
// the first two; docs/dashboards.md says what else has to set. Where there is no label pod, the variable matches all the same.
//
// Numbers of the operator carry the RAGService's namespace. It is in exported_namespace where Prometheus keeps its own labels, as it does
// unless it is told to honour those of the target.
var shorthands = strings.NewReplacer(
	"$own", `namespace="$namespace",service="${service}-metrics",pod=~"$pod"`,
	"$all", `namespace="$namespace",service="${service}-metrics"`,
	"$in", "$__rate_interval",
	"$time", "$__range",
)

// operator finds series of the operator that are about the RAGService, whichever label has its namespace.
func operator(metric, matchers string) string {
	if matchers != "" {
		matchers += ","
	}
	matchers += `name="$service"`
	return "(" + metric + "{" + matchers + `,exported_namespace="$namespace"} or ` + metric + "{" + matchers + `,namespace="$namespace",exported_namespace=""})`
}

// quantile of a classic histogram, which every Prometheus has.
func quantile(q, metric, matchers, by string) string {
	le := "le"
	if by != "" {
		le += ", " + by
	}
	return "histogram_quantile(" + q + ", sum by (" + le + ") (rate(" + metric + "_bucket{" + with(matchers) + "}[$in])))"
}

// with is the selector of the servers and further matchers.
func with(matchers string) string {
	if matchers == "" {
		return "$own"
	}
	return "$own," + matchers
}

// share is a part of a whole, 0 to 1. Where nothing of the part was ever counted, it is 0.
func share(part, whole string) string { return "(" + part + " or vector(0)) / " + whole }

// perSecond is the rate of a counter, summed by labels.
func perSecond(metric, matchers, by string) string {
	return summed("rate", metric, matchers, by, "$in")
}

// during is how much a counter grew in the time that the dashboard shows.
func during(metric, matchers string) string {
	return summed("increase", metric, matchers, "", "$time")
}

func summed(function, metric, matchers, by, window string) string {
	sum := "sum"
	if by != "" {
		sum += " by (" + by + ") "
	}
	return sum + "(" + function + "(" + metric + "{" + with(matchers) + "}[" + window + "]))"
}
