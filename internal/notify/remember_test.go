package notify_test

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// TestADeliveryDuringAPass that finds the alert over is remembered: its end is told, too. Without a receiver nothing is left to be remembered.
func TestADeliveryDuringAPass(t *testing.T) {
	t.Parallel()
	s := newSink(t, "/")
	l := newLoop(t, v1alpha1.WebhookReceiver{URL: s.URL})
	defer l.start(s, nil)()
	delivered := func() int { return len(l.notifier.Latest(l.rag).Done) }
	deliver := func() (before status.Deliveries) {
		l.raise(v1alpha1.AlertErrorRate)
		before = l.notifier.Latest(l.rag)
		l.notifier.Follow(l.rag)
		for deadline := time.Now().Add(patience); delivered() == 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("it is not delivered")
			}
		}
		return before
	}
	atStart := deliver()
	l.raise() // it is over, when the pass that began before looks
	l.rag.Status = status.Evaluate(status.Pass{Service: l.rag, State: &desired.Plan{}, Now: l.now, Deliveries: atStart}).Status
	l.notifier.Follow(l.rag)
	l.until(func(metav1.Condition) string {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.took) < 2 || s.took[1].Status != "resolved" || len(l.rag.Status.Notified) > 0 {
			return fmt.Sprintf("the receiver was told %q, status.notified is %+v", s.raw, l.rag.Status.Notified)
		}
		return ""
	})
	if n := delivered(); n > 0 {
		t.Errorf("%d deliveries are remembered that the status shows", n)
	}

	deliver()
	l.rag = l.rag.DeepCopy()
	l.rag.Spec.Alerts.Receivers = nil
	if l.pass(); delivered() > 0 {
		t.Error("a delivery is remembered for nobody")
	}
}
