package status

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// Notice is a message to spec.alerts.receivers.webhook: that an alert is raised, or that it is over. It is the same each time that it is made of
// the same status, so that a receiver can tell one that it gets twice.
type Notice struct {
	Name v1alpha1.AlertName
	// Since is in seconds since 1970, like EndedAt, which is 0 while the alert is raised.
	Since, EndedAt int64
	// Value and Threshold are those of a raised alert; empty once it is over.
	Value, Threshold string
}

// Resolved says that the alert is over.
func (n Notice) Resolved() bool { return n.EndedAt != 0 }

// Same says that two are about the same transition: the value may have moved since.
func (n Notice) Same(other Notice) bool {
	return n.Name == other.Name && n.Since == other.Since && n.Resolved() == other.Resolved()
}

// Deliveries is what became of notices of late.
type Deliveries struct {
	// Done were taken by the receiver, or given up, and the status does not show that yet.
	Done []Notice
	// Failing is why the last ones were not, after several attempts; empty when they were, and before.
	Failing string
}

// DueNotices are those that the receiver has yet to get, by the status of a RAGService: of an alert that was over and is raised again, its end
// comes first.
func DueNotices(rag *v1alpha1.RAGService) (due []Notice) {
	if webhookReceiver(rag) == nil {
		return nil
	}
	for _, n := range rag.Status.Notified {
		if n.EndedAt != nil {
			due = append(due, Notice{Name: n.Name, Since: n.Since.Unix(), EndedAt: n.EndedAt.Unix()})
		}
	}
	for _, a := range rag.Status.Alerts {
		if !slices.ContainsFunc(rag.Status.Notified, func(n v1alpha1.AlertNotification) bool { return n.Name == a.Name }) {
			due = append(due, Notice{Name: a.Name, Since: a.Since.Unix(), Value: a.Value, Threshold: a.Threshold})
		}
	}
	return due
}

// ShowsDelivery says that the status of a RAGService shows that a notice was delivered: it names an alert whose beginning was told until its end
// was. Without a receiver nothing is left to be shown.
func ShowsDelivery(rag *v1alpha1.RAGService, done Notice) bool {
	named := slices.ContainsFunc(rag.Status.Notified, func(n v1alpha1.AlertNotification) bool {
		return n.Name == done.Name && n.Since.Unix() == done.Since
	})
	return webhookReceiver(rag) == nil || named != done.Resolved()
}

func webhookReceiver(rag *v1alpha1.RAGService) *v1alpha1.WebhookReceiver {
	if receivers := rag.Spec.Alerts.Receivers; receivers != nil {
		return receivers.Webhook
	}
	return nil
}

// notified is status.notified: that of before with what was delivered since, and the end of what is no longer raised. Nobody is left to be told
// without a receiver.
func (p Pass) notified(raised []v1alpha1.AlertStatus) []v1alpha1.AlertNotification {
	if webhookReceiver(p.Service) == nil {
		return nil
	}
	var next []v1alpha1.AlertNotification
	for _, n := range p.Service.Status.DeepCopy().Notified {
		over := Notice{Name: n.Name, Since: n.Since.Unix(), EndedAt: p.Now.Unix()}
		if n.EndedAt == nil || !slices.ContainsFunc(p.Deliveries.Done, over.Same) {
			next = append(next, n)
		}
	}
	for _, done := range p.Deliveries.Done {
		known := slices.ContainsFunc(next, func(n v1alpha1.AlertNotification) bool { return n.Name == done.Name })
		if !done.Resolved() && !known {
			next = append(next, v1alpha1.AlertNotification{Name: done.Name, Since: metav1.NewTime(time.Unix(done.Since, 0))})
		}
	}
	for i := range next {
		stands := slices.ContainsFunc(raised, func(a v1alpha1.AlertStatus) bool {
			return a.Name == next[i].Name && a.Since.Unix() == next[i].Since.Unix()
		})
		if !stands && next[i].EndedAt == nil {
			next[i].EndedAt = new(metav1.NewTime(p.Now.Truncate(secondsOfStatus)))
		}
	}
	return next
}
