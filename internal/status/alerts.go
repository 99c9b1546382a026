package status

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

const (
	// alertWindow is how many minutes a rate is of. Each minute ends one.
	alertWindow = 5
	// silence is after how many minutes in which too little was counted an alert is over: nothing shows it any more.
	silence = 30
)

// alert is one of spec.alerts, resolved.
type alert struct {
	name v1alpha1.AlertName
	// threshold is in percent, or in seconds for a latency. below says that less is worse.
	threshold float64
	seconds   bool
	below     bool
	// minutes is how long it must be beyond the threshold.
	minutes int64
	// value is what is compared, in a window or longer; unknown where too little was counted.
	value func([]telemetry.Minute) (value float64, known bool)
}

// Alerts are those that fire, made of those that fired before and of what servers counted, in the order of the spec. judged says that there
// was enough to judge one by.
func Alerts(rag *v1alpha1.RAGService, before []v1alpha1.AlertStatus, traffic Traffic) (firing []v1alpha1.AlertStatus, judged bool) {
	enabled := enabledAlerts(rag)
	for _, a := range enabled {
		_, known := a.at(traffic, traffic.Now-1)
		judged = judged || (known && (a.name != v1alpha1.AlertDiskUsage || len(enabled) == 1)) // a disk fills without requests
		i := slices.IndexFunc(before, func(s v1alpha1.AlertStatus) bool { return s.Name == a.name })
		switch {
		case i >= 0 && !a.clears(traffic):
			firing = append(firing, a.status(traffic, &before[i]))
		case i < 0 && a.fires(traffic):
			firing = append(firing, a.status(traffic, nil))
		}
	}
	return firing, judged
}

// enabledAlerts are the alerts that a service is judged by.
func enabledAlerts(rag *v1alpha1.RAGService) []alert {
	var enabled []alert
	spec := &rag.Spec.Alerts
	add := func(mode v1alpha1.AlertMode, a alert, lasts v1alpha1.Duration) {
		if mode != v1alpha1.AlertDisabled {
			a.minutes = int64((durationOr(lasts, 5*time.Minute) + time.Minute - 1) / time.Minute)
			enabled = append(enabled, a)
		}
	}
	add(spec.ErrorRate.Mode, alert{
		name: v1alpha1.AlertErrorRate, threshold: percentOr(spec.ErrorRate.Percent, 5), value: errorRate,
	}, spec.ErrorRate.For)
	add(spec.LatencyP95.Mode, alert{
		name: v1alpha1.AlertLatencyP95, threshold: durationOr(spec.LatencyP95.Threshold, 5*time.Second).Seconds(), seconds: true, value: latencyP95,
	}, spec.LatencyP95.For)
	if serverconfig.CacheEnabled(rag) {
		add(spec.CacheHitRate.Mode, alert{
			name: v1alpha1.AlertCacheHitRate, threshold: percentOr(spec.CacheHitRate.Percent, effectiveFrom), below: true, value: hitRate,
		}, spec.CacheHitRate.For)
	}
	if rag.Spec.Models.LLM.Provider != v1alpha1.LLMProviderExtractive {
		add(spec.LLMAvailability.Mode, alert{
			name: v1alpha1.AlertLLMAvailability, threshold: percentOr(spec.LLMAvailability.Percent, 95), below: true, value: availability,
		}, spec.LLMAvailability.For)
	}
	add(spec.DiskUsage.Mode, alert{
		name: v1alpha1.AlertDiskUsage, threshold: percentOr(spec.DiskUsage.Percent, 80), value: diskUsage,
	}, spec.DiskUsage.For)
	return enabled
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

// at is the value of the window that ends with a minute.
func (a alert) at(t Traffic, end int64) (float64, bool) {
	return a.value(t.between(end-alertWindow+1, end))
}

// fires says that every window which ended in the last minutes was beyond the threshold, and that nothing of them is missing.
func (a alert) fires(t Traffic) bool {
	last := t.Now - 1
	if !t.wholeSince(last - a.minutes - alertWindow + 1) {
		return false
	}
	for end := last - a.minutes; end <= last; end++ {
		if !a.violatedAt(t, end) {
			return false
		}
	}
	return true
}

func (a alert) violatedAt(t Traffic, end int64) bool {
	value, known := a.at(t, end)
	return known && ((a.below && value < a.threshold) || (!a.below && value > a.threshold))
}

// clears says that the last window is good enough, or that nothing shows the alert any more. What is missing clears nothing.
func (a alert) clears(t Traffic) bool {
	last := t.Now - 1
	if !t.wholeSince(last - alertWindow + 1) {
		return false
	}
	if value, known := a.at(t, last); known {
		return (a.below && value >= a.clearFrom()) || (!a.below && value <= a.clearFrom())
	}
	_, known := a.value(t.between(last-silence+1, last))
	return !known && t.wholeSince(last-silence+1)
}

// clearFrom is a fifth of the way from the threshold to the good end, at most 5 percent: the alert's hysteresis.
func (a alert) clearFrom() float64 {
	switch {
	case a.seconds:
		return a.threshold - a.threshold/5
	case a.below:
		return a.threshold + min(percentStep, (100-a.threshold)/5)
	default:
		return a.threshold - min(percentStep, a.threshold/5)
	}
}

// since is the end of the first of the windows that are beyond the threshold, as far back as all is known.
func (a alert) since(t Traffic) metav1.Time {
	first := t.Now - 1
	for t.wholeSince(first-alertWindow) && first > t.Now-telemetry.MinutesKept && a.violatedAt(t, first-1) {
		first--
	}
	return metav1.NewTime(time.Unix((first+1)*60, 0))
}

// status is the alert as it is shown, where it was shown before or not.
func (a alert) status(t Traffic, before *v1alpha1.AlertStatus) v1alpha1.AlertStatus {
	s := v1alpha1.AlertStatus{Name: a.name, Threshold: a.show(a.threshold)}
	if before != nil {
		s.Since, s.Value = before.Since, before.Value
	} else {
		s.Since = a.since(t)
	}
	if exact, known := a.at(t, t.Now-1); known {
		s.Value = a.step(exact, s.Value)
	}
	return s
}

// step is a value as a status shows it, rounded to the bad end: it moves when the exact one is a step or more away.
func (a alert) step(exact float64, shown string) string {
	step := float64(percentStep)
	if a.seconds {
		step = a.threshold / 10
	}
	if before, known := a.parse(shown); known && exact-before < step && before-exact < step {
		return shown
	}
	if a.below {
		return a.show(math.Floor(exact/step) * step)
	}
	return a.show(math.Ceil(exact/step) * step)
}

func (a alert) show(value float64) string {
	if a.seconds {
		return time.Duration(value * float64(time.Second)).Round(time.Millisecond).String()
	}
	return fmt.Sprintf("%d%%", int64(value))
}

func (a alert) parse(shown string) (float64, bool) {
	if a.seconds {
		d, err := time.ParseDuration(shown)
		return d.Seconds(), err == nil
	}
	var percent int64
	n, err := fmt.Sscanf(shown, "%d%%", &percent)
	return float64(percent), n == 1 && err == nil
}

// judgeAlerts judges AlertsClear. An alert that could be judged once stays so while there is no traffic.
func judgeAlerts(p Pass) finding {
	previous := p.previous(v1alpha1.ConditionAlertsClear)
	switch {
	case len(enabledAlerts(p.Service)) == 0:
		return yes(v1alpha1.ReasonNotConfigured, "every alert of spec.alerts is disabled")
	case !p.polled() && !p.stopped() && (previous.Reason == v1alpha1.ReasonClear || previous.Reason == v1alpha1.ReasonFiring):
		return keep(previous)
	}
	firing, judged := p.alerts()
	switch {
	case len(firing) > 0:
		names := make([]string, len(firing))
		for i, a := range firing {
			names[i] = fmt.Sprintf("%s since %s", a.Name, a.Since.UTC().Format(time.RFC3339))
		}
		return no(v1alpha1.ReasonFiring, "%s", strings.Join(names, ", "))
	case judged || wasJudged(previous):
		return yes(v1alpha1.ReasonClear, "no alert is raised")
	default:
		return unknown(v1alpha1.ReasonWarmingUp, "too few requests so far to judge alerts by")
	}
}

// wasJudged says that there was enough to judge alerts by before.
func wasJudged(alertsClear metav1.Condition) bool {
	return alertsClear.Reason == v1alpha1.ReasonClear || alertsClear.Reason == v1alpha1.ReasonFiring
}

// alerts are those for status.alerts: those of before until the servers have been asked, none where no server is wanted.
func (p Pass) alerts() (firing []v1alpha1.AlertStatus, judged bool) {
	switch {
	case p.stopped():
		return nil, false
	case !p.polled():
		return p.Service.Status.DeepCopy().Alerts, false
	default:
		return Alerts(p.Service, p.Service.Status.Alerts, p.Observed.Poll.Traffic)
	}
}

// alertEvents tell of alerts that were raised and that are over.
func (p Pass) alertEvents(next []v1alpha1.AlertStatus) (events []Event) {
	before := p.Service.Status.Alerts
	for _, a := range next {
		if !slices.ContainsFunc(before, func(b v1alpha1.AlertStatus) bool { return b.Name == a.Name }) {
			events = append(events, Event{
				Type: corev1.EventTypeWarning, Reason: v1alpha1.EventAlertFiring, Action: v1alpha1.ConditionAlertsClear,
				Message: sentence("%s is at %s, its threshold is %s", a.Name, a.Value, a.Threshold),
				Field:   alertField(a.Name),
			})
		}
	}
	for _, b := range before {
		if !slices.ContainsFunc(next, func(a v1alpha1.AlertStatus) bool { return a.Name == b.Name }) {
			events = append(events, Event{
				Type: corev1.EventTypeNormal, Reason: v1alpha1.EventAlertCleared, Action: v1alpha1.ConditionAlertsClear,
				Message: sentence("%s is no longer beyond its threshold, or no longer judged", b.Name),
				Field:   alertField(b.Name),
			})
		}
	}
	return events
}

func alertField(name v1alpha1.AlertName) string { return "status.alerts{" + string(name) + "}" }
