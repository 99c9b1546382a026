package status_test

import (
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

func TestProgressHasADeadline(t *testing.T) {
	t.Parallel()
	p := wellPass(unready(desired.ComponentOpenSearch))
	began := p.Now
	p.Service.Status = status.Evaluate(p).Status
	for _, step := range []struct {
		after time.Duration
		want  string
		next  time.Duration
	}{
		{time.Minute, "False/Progressing", 9 * time.Minute},
		{10 * time.Minute, "False/Late", 0},
		{time.Hour, "False/Late", 0},
	} {
		p.Now = began.Add(step.after)
		verdict := status.Evaluate(p)
		p.Service.Status = verdict.Status
		if got := outcomes(verdict.Status)["OpenSearchReady"]; got != step.want || verdict.RecheckAfter != step.next {
			t.Errorf("after %s: %s, next look in %s; want %s, %s", step.after, got, verdict.RecheckAfter, step.want, step.next)
		}
	}
}

// TestProgressBeginsWhenItsCauseEnds has an hour of another cause before it.
func TestProgressBeginsWhenItsCauseEnds(t *testing.T) {
	t.Parallel()
	p := wellPass(unready(desired.ComponentOpenSearch), refused(desired.ComponentOpenSearch, v1alpha1.ReasonQuotaExceeded))
	p.Service.Status = status.Evaluate(p).Status
	later := wellPass(unready(desired.ComponentOpenSearch))
	later.Service.Status, later.Now = p.Service.Status, p.Now.Add(time.Hour)
	if got := outcomes(status.Evaluate(later).Status)["OpenSearchReady"]; got != "False/Progressing" {
		t.Errorf("once the quota allows the pod, OpenSearch is %s", got)
	}
}
