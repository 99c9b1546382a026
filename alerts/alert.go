package alerts

import (
	"slices"
	"time"

	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

const (
	// Window is how many minutes a value is of. Each minute ends one.
	Window = 5
	// Silence is after how many minutes in which too little was counted an alert is over: nothing shows it any more.
	Silence = 30
	// Enough requests make a rate: that of the first request of a service would be 0 or 100 percent.
	Enough = 20
	// PercentStep is the precision of percentages in a status, how far the exact one must be away to move it, and the most that it has to get
	// better for an alert to be over.
	PercentStep = 5
	// EffectiveFrom is the hit rate from which a cache earns its keep, in percent, unless spec.alerts has another one. The rate in a status moves
	// only by PercentStep and more, which is the hysteresis of CacheEffective: True from 50 on, False from 45 down.
	EffectiveFrom = 50
)

// Severity says who has to look at an alert, and when.
type Severity string

// Severities, as Prometheus's label severity has them.
const (
	// Critical is for somebody now: callers get errors.
	Critical Severity = "critical"
	// Warning is for somebody in working hours: callers get answers still.
	Warning Severity = "warning"
)

// Alert is one of spec.alerts, resolved for a RAGService.
type Alert struct {
	Name     v1alpha1.AlertName
	Severity Severity
	// Threshold is in percent, or in seconds for a latency. Below says that less is worse.
	Threshold float64
	Seconds   bool
	Below     bool
	// Minutes is how long it must be beyond the threshold.
	Minutes int64
	// Value is what is compared, in a window or longer; unknown where too little was counted.
	Value func([]telemetry.Minute) (value float64, known bool)

	measure measure
	words   words
	// judged says that it is not disabled, and of something that the service uses.
	judged bool
}

// Beyond says that a value is on the bad side of the threshold.
func (a Alert) Beyond(value float64) bool {
	if a.Below {
		return value < a.Threshold
	}
	return value > a.Threshold
}

// Over says that a value ends the alert.
func (a Alert) Over(value float64) bool {
	if a.Below {
		return value >= a.clearFrom()
	}
	return value <= a.clearFrom()
}

// clearFrom is a fifth of the way from the threshold to the good end, at most 5 percent: the alert's hysteresis.
func (a Alert) clearFrom() float64 {
	switch {
	case a.Seconds:
		return a.Threshold - a.Threshold/5
	case a.Below:
		return a.Threshold + min(PercentStep, (100-a.Threshold)/5)
	default:
		return a.Threshold - min(PercentStep, a.Threshold/5)
	}
}

// Of are the alerts that a service is judged by, in the order of the spec. One that is disabled is not among them, nor one of something that the
// service does not use.
func Of(rag *v1alpha1.RAGService) []Alert {
	return slices.DeleteFunc(defined(rag), func(a Alert) bool { return !a.judged })
}

// Named is the alert of a name, whether the service is judged by it or was once; false for a name of another version.
func Named(rag *v1alpha1.RAGService, name v1alpha1.AlertName) (Alert, bool) {
	all := defined(rag)
	i := slices.IndexFunc(all, func(a Alert) bool { return a.Name == name })
	if i < 0 {
		return Alert{}, false
	}
	return all[i], true
}

// defined are all alerts of spec.alerts, in its order.
func defined(rag *v1alpha1.RAGService) (all []Alert) {
	spec := &rag.Spec.Alerts
	add := func(mode v1alpha1.AlertMode, used bool, a Alert, lasts v1alpha1.Duration) {
		a.judged = used && mode != v1alpha1.AlertDisabled
		a.Minutes = int64((durationOr(lasts, 5*time.Minute) + time.Minute - 1) / time.Minute)
		all = append(all, a)
	}
	add(spec.ErrorRate.Mode, true, Alert{
		Name: v1alpha1.AlertErrorRate, Severity: Critical, Threshold: percentOr(spec.ErrorRate.Percent, 5), Value: errorRate,
		measure: errorRatio, words: errorWords,
	}, spec.ErrorRate.For)
	add(spec.LatencyP95.Mode, true, Alert{
		Name: v1alpha1.AlertLatencyP95, Severity: Warning, Threshold: durationOr(spec.LatencyP95.Threshold, 5*time.Second).Seconds(), Seconds: true,
		Value: LatencyP95, measure: answerSeconds, words: latencyWords,
	}, spec.LatencyP95.For)
	add(spec.CacheHitRate.Mode, serverconfig.CacheEnabled(rag), Alert{
		Name: v1alpha1.AlertCacheHitRate, Severity: Warning, Threshold: percentOr(spec.CacheHitRate.Percent, EffectiveFrom), Below: true,
		Value: hitRate, measure: hitRatio, words: cacheWords,
	}, spec.CacheHitRate.For)
	add(spec.LLMAvailability.Mode, rag.Spec.Models.LLM.Provider != v1alpha1.LLMProviderExtractive, Alert{
		Name: v1alpha1.AlertLLMAvailability, Severity: Critical, Threshold: percentOr(spec.LLMAvailability.Percent, 95), Below: true,
		Value: availability, measure: modelRatio, words: modelWords,
	}, spec.LLMAvailability.For)
	add(spec.DiskUsage.Mode, true, Alert{
		Name: v1alpha1.AlertDiskUsage, Severity: Warning, Threshold: percentOr(spec.DiskUsage.Percent, 80), Value: diskUsage,
		measure: diskRatio, words: diskWords,
	}, spec.DiskUsage.For)
	return all
}

func percentOr(percent *int32, otherwise int32) float64 {
	return float64(ptr.Deref(percent, otherwise))
}

// durationOr parses d. What the schema did not see, or did not refuse, is the default.
func durationOr(d v1alpha1.Duration, otherwise time.Duration) time.Duration {
	if parsed, err := d.Duration(); err == nil {
		return parsed
	}
	return otherwise
}
