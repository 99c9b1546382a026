package status

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// progressLimit is how long a part may be starting or changing. A first start takes half a minute, and the pull of a large
// image some minutes.
const progressLimit = 10 * time.Minute

// progress is a part that is starting or changing. The wait begins when the condition becomes Progressing, whatever it
// was before; lastTransitionTime says when.
func (p Pass) progress(c desired.Component, format string, args ...any) finding {
	previous := p.previous(c.Condition())
	f := no(v1alpha1.ReasonProgressing, format, args...)
	f.restarts = !isProgress(previous)
	if !f.restarts && p.Now.Sub(previous.LastTransitionTime.Time) >= progressLimit {
		f = no(v1alpha1.ReasonLate, "%s after %d minutes: kubectl describe pod -n %s -l app.kubernetes.io/instance=%s,app.kubernetes.io/component=%s",
			f.message, int(progressLimit.Minutes()), p.Service.Namespace, p.Service.Name, c)
	}
	return f
}

func isProgress(c metav1.Condition) bool {
	return c.Status == metav1.ConditionFalse && (c.Reason == v1alpha1.ReasonProgressing || c.Reason == v1alpha1.ReasonLate)
}

// progressDeadline is when the first wait of a part ends; 0 for none.
func (p Pass) progressDeadline(found map[string]finding) (next time.Duration) {
	for _, c := range desired.Components() {
		conditionType := c.Condition()
		if f := found[conditionType]; f.reason == v1alpha1.ReasonProgressing && f.status == metav1.ConditionFalse && !f.kept {
			began := p.condition(conditionType, f).LastTransitionTime.Time
			next = soonest(next, max(began.Add(progressLimit).Sub(p.Now), time.Second))
		}
	}
	return next
}
