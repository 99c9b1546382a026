package alerts

import (
	"fmt"
	"strings"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// words are what an alert says to people. $threshold and $value stand for the two.
type words struct {
	// summary is one line, description tells the value of now.
	summary, description string
	// judged is what the value is of, for the page; runbook the page of the alert.
	judged, runbook string
}

var (
	errorWords = words{
		summary:     "more than $threshold of requests fail",
		description: "$value of the requests of the last 5 minutes failed for a reason of the service: 5xx, and streams that ended in an error.",
		judged:      "requests that failed for a reason of the service, of all requests of known callers",
		runbook:     "error-rate.md",
	}
	latencyWords = words{
		summary:     "answers take longer than $threshold",
		description: "5 of 100 answers of the last 5 minutes took longer than $value, the time of the model not counted.",
		judged:      "the time within which 95 of 100 answers came: of search whole, of ask and stream without the time of the model",
		runbook:     "latency-p95.md",
	}
	cacheWords = words{
		summary:     "the cache answers less than $threshold of requests",
		description: "The cache answered $value of the requests of the last 5 minutes. Callers get answers still; they take longer and cost more.",
		judged:      "answers that came from the cache, of those that could have; not judged with `cache.enabled: false`",
		runbook:     "cache-hit-rate.md",
	}
	modelWords = words{
		summary:     "the language model answers less than $threshold of requests",
		description: "The language model answered $value of the requests of the last 5 minutes, those to fallbacks included.",
		judged:      "requests to the language model that were answered, those to fallbacks included; not judged with Extractive",
		runbook:     "llm-availability.md",
	}
	diskWords = words{
		summary:     "the disk of the search engine is fuller than $threshold",
		description: "The fullest disk of the search engine is $value full. Documents are refused when it is 95% full; searches go on.",
		judged:      "the fullest disk of the search engine, as it says itself; not judged where the servers may not ask for it",
		runbook:     "disk-usage.md",
	}
	budgetWords = words{
		summary: "at this rate the error budget of 30 days lasts less than $threshold",
		runbook: "error-budget-burn.md",
	}
)

// Summary is what is wrong, in half a sentence. threshold is as Show has it.
func (a Alert) Summary(threshold string) string {
	return strings.ReplaceAll(a.words.summary, "$threshold", threshold)
}

// Annotations are those of the rule, of an alert that is raised at a value. Both are as Show has them.
func (a Alert) Annotations(rag *v1alpha1.RAGService, threshold, value string) map[string]string {
	return service{rag.Namespace, rag.Name}.annotations(a.words, threshold, value)
}

// EndedAnnotations are those of an alert that is over, by the threshold of now.
func (a Alert) EndedAnnotations(rag *v1alpha1.RAGService) map[string]string {
	w := a.words
	w.description = Ended(a.Name) + "."
	return service{rag.Namespace, rag.Name}.annotations(w, a.Show(a.Threshold), "")
}

// Ended says that an alert is over.
func Ended(name v1alpha1.AlertName) string {
	return string(name) + " is no longer beyond its threshold, or no longer judged"
}

func (s service) annotations(w words, threshold, value string) map[string]string {
	fill := strings.NewReplacer("$threshold", threshold, "$value", value)
	return map[string]string{
		"summary":     fmt.Sprintf("RAGService %s/%s: %s", s.namespace, s.name, fill.Replace(w.summary)),
		"description": fill.Replace(w.description),
		"runbook_url": runbooks + w.runbook,
	}
}
