package status

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// Alerts are those that fire, made of those that fired before and of what servers counted, in the order of the spec. judged says that there
// was enough to judge one by.
func Alerts(rag *v1alpha1.RAGService, before []v1alpha1.AlertStatus, traffic Traffic) (firing []v1alpha1.AlertStatus, judged bool) {
	enabled := enabledAlerts(rag)
	for _, a := range enabled {
		_, known := a.at(traffic, traffic.Now-1)
		judged = judged || (known && (a.Name != v1alpha1.AlertDiskUsage || len(enabled) == 1)) // a disk fills without requests
		i := slices.IndexFunc(before, func(s v1alpha1.AlertStatus) bool { return s.Name == a.Name })
		switch {
		case i >= 0 && !a.clears(traffic):
			firing = append(firing, a.status(traffic, &before[i]))
		case i < 0 && a.fires(traffic):
			firing = append(firing, a.status(traffic, nil))
		}
	}
	return firing, judged
}

// alert is one of spec.alerts, judged by what was counted.
type alert struct{ alerts.Alert }

// enabledAlerts are the alerts that a service is judged by.
func enabledAlerts(rag *v1alpha1.RAGService) []alert {
	var enabled []alert
	for _, a := range alerts.Of(rag) {
		enabled = append(enabled, alert{a})
	}
	return enabled
}

// at is the value of the window that ends with a minute.
func (a alert) at(t Traffic, end int64) (float64, bool) {
	return a.Value(t.between(end-alerts.Window+1, end))
}

// fires says that every window which ended in the last minutes was beyond the threshold, and that nothing of them is missing.
func (a alert) fires(t Traffic) bool {
	last := t.Now - 1
	if !t.wholeSince(last - a.Minutes - alerts.Window + 1) {
		return false
	}
	for end := last - a.Minutes; end <= last; end++ {
		if !a.violatedAt(t, end) {
			return false
		}
	}
	return true
}

func (a alert) violatedAt(t Traffic, end int64) bool {
	value, known := a.at(t, end)
	return known && a.Beyond(value)
}

// clears says that the last window is good enough, or that nothing shows the alert any more. What is missing clears nothing.
func (a alert) clears(t Traffic) bool {
	last := t.Now - 1
	if !t.wholeSince(last - alerts.Window + 1) {
		return false
	}
	if value, known := a.at(t, last); known {
		return a.Over(value)
	}
	_, known := a.Value(t.between(last-alerts.Silence+1, last))
	return !known && t.wholeSince(last-alerts.Silence+1)
}

// since is the end of the first of the windows that are beyond the threshold, as far back as all is known.
func (a alert) since(t Traffic) metav1.Time {
	first := t.Now - 1
	for t.wholeSince(first-alerts.Window) && first > t.Now-telemetry.MinutesKept && a.violatedAt(t, first-1) {
		first--
	}
	return metav1.NewTime(time.Unix((first+1)*60, 0))
}

// status is the alert as it is shown, where it was shown before or not.
func (a alert) status(t Traffic, before *v1alpha1.AlertStatus) v1alpha1.AlertStatus {
	s := v1alpha1.AlertStatus{Name: a.Name, Threshold: a.Show(a.Threshold)}
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
	step := float64(alerts.PercentStep)
	if a.Seconds {
		step = a.Threshold / 10
	}
	if before, known := a.parse(shown); known && exact-before < step && before-exact < step {
		return shown
	}
	if a.Below {
		return a.Show(math.Floor(exact/step) * step)
	}
	return a.Show(math.Ceil(exact/step) * step)
}

func (a alert) parse(shown string) (float64, bool) {
	if a.Seconds {
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
				Message: sentence("%s is at %s: %s", a.Name, a.Value, summary(p.Service, a)),
				Field:   alertField(a.Name),
			})
		}
	}
	for _, b := range before {
		if !slices.ContainsFunc(next, func(a v1alpha1.AlertStatus) bool { return a.Name == b.Name }) {
			events = append(events, Event{
				Type: corev1.EventTypeNormal, Reason: v1alpha1.EventAlertCleared, Action: v1alpha1.ConditionAlertsClear,
				Message: sentence("%s", alerts.Ended(b.Name)),
				Field:   alertField(b.Name),
			})
		}
	}
	return events
}

func summary(rag *v1alpha1.RAGService, s v1alpha1.AlertStatus) string {
	a, _ := alerts.Named(rag, s.Name) // a name that nobody knows is not raised
	return a.Summary(s.Threshold)
}

func alertField(name v1alpha1.AlertName) string { return "status.alerts{" + string(name) + "}" }
