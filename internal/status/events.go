package status

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// eventConditions are the conditions whose changes are told as events. Figures are not: they are metrics.
var eventConditions = map[string]bool{
	v1alpha1.ConditionReady:             true,
	v1alpha1.ConditionSecretsResolved:   true,
	v1alpha1.ConditionRedisReady:        true,
	v1alpha1.ConditionOpenSearchReady:   true,
	v1alpha1.ConditionModelsReady:       true,
	v1alpha1.ConditionServerReady:       true,
	v1alpha1.ConditionConfigApplied:     true,
	v1alpha1.ConditionSnapshotsReady:    true,
	v1alpha1.ConditionMonitoringReady:   true,
	v1alpha1.ConditionBudgetWithinLimit: true,
}

// transitions are the changes of conditions that are worth an event: a problem when it begins or becomes another, its
// end, and Ready and ConfigApplied whenever they become True.
func (p Pass) transitions(conditions []metav1.Condition) []Event {
	var events []Event
	for _, next := range conditions {
		before := p.previous(next.Type)
		same := before.Status == next.Status && before.Reason == next.Reason
		if next.Reason == v1alpha1.ReasonCertificateExpires {
			same = same && before.Message == next.Message // which changes 30, 7 and 1 day before
		}
		if !eventConditions[next.Type] || same {
			continue
		}
		if next.Reason == v1alpha1.ReasonDegraded && !redisProblem(conditions) {
			continue // Redis is being moved or rolled
		}
		kind, emit := conditionEvent(before, next)
		if next.Type == v1alpha1.ConditionServerReady && next.Status != metav1.ConditionTrue && meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReady) {
			kind = corev1.EventTypeNormal // other servers answer
		}
		if emit {
			events = append(events, Event{Type: kind, Reason: next.Reason, Action: next.Type, Message: next.Message})
		}
	}
	return events
}

func redisProblem(conditions []metav1.Condition) bool {
	c := meta.FindStatusCondition(conditions, v1alpha1.ConditionRedisReady)
	return c != nil && isProblem(c.Reason)
}

func conditionEvent(before, next metav1.Condition) (kind string, emit bool) {
	if next.Type == v1alpha1.ConditionReady {
		return readyEvent(before, next)
	}
	problem := func(c metav1.Condition) bool { return c.Status == metav1.ConditionFalse && isProblem(c.Reason) }
	switch {
	case problem(next):
		return corev1.EventTypeWarning, true
	case next.Status != metav1.ConditionTrue:
		return "", false
	case next.Reason == v1alpha1.ReasonEvictionUnsafe, next.Reason == v1alpha1.ReasonWritesBlocked, next.Reason == v1alpha1.ReasonCertificateExpires,
		next.Reason == v1alpha1.ReasonNotScaling, next.Reason == v1alpha1.ReasonNearLimit:
		return corev1.EventTypeWarning, true
	case next.Reason == v1alpha1.ReasonReusedVolume, next.Reason == v1alpha1.ReasonVolumeKept, next.Reason == v1alpha1.ReasonApplied:
		return corev1.EventTypeNormal, true
	default:
		return corev1.EventTypeNormal, problem(before)
	}
}

// readyEvent tells that a service began to answer, and that one that answered no longer does or only slower.
func readyEvent(before, next metav1.Condition) (kind string, emit bool) {
	answered := before.Status == metav1.ConditionTrue
	switch {
	case next.Reason == v1alpha1.ReasonDeleting:
		return "", false
	case next.Reason == v1alpha1.ReasonSuspended && before.Reason != v1alpha1.ReasonSuspended:
		return corev1.EventTypeNormal, true
	case next.Status != metav1.ConditionTrue, next.Reason == v1alpha1.ReasonDegraded:
		return corev1.EventTypeWarning, answered
	default:
		return corev1.EventTypeNormal, true
	}
}
