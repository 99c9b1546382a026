package status

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// Schedule is what became of the CronJob that has snapshots taken; zero while there is none.
type Schedule struct {
	// Due is when a snapshot was due last, Done when the last one ended that is complete; zero before the first.
	Due, Done time.Time
	// Active says that one is being taken.
	Active bool
}

// judgeSnapshots judges SnapshotsReady. While one is being taken, what was said before stands.
func judgeSnapshots(p Pass) finding {
	if f, failed := p.terminalFault(desired.ComponentSnapshots); failed {
		return no(f.Reason, "%s", f.Message)
	}
	if p.Service.Spec.OpenSearch.Snapshots == nil {
		return yes(v1alpha1.ReasonNotConfigured, "spec.openSearch.snapshots is not given, so no snapshot is taken")
	}
	previous := p.previous(v1alpha1.ConditionSnapshotsReady)
	if p.Observed == nil {
		return keep(previous)
	}
	s := p.Observed.Snapshots
	switch {
	case s.Active && previous.Reason == v1alpha1.ReasonSnapshotFailed:
		return keep(previous)
	case !s.Active && s.Due.After(s.Done):
		return no(v1alpha1.ReasonSnapshotFailed, "the snapshot of %s was not taken: "+
			"kubectl logs -n %s -l app.kubernetes.io/instance=%s,app.kubernetes.io/component=%s; kubectl describe pod shows one that did not start",
			s.Due.UTC().Format(time.RFC3339), p.Service.Namespace, p.Service.Name, desired.ComponentSnapshots)
	case !s.Done.IsZero():
		return yes(v1alpha1.ReasonSnapshotTaken, "the last snapshot was complete at %s", s.Done.UTC().Format(time.RFC3339))
	default:
		return unknown(v1alpha1.ReasonSnapshotPending, "the first snapshot is still to come")
	}
}

// snapshots is status.snapshots.
func (p Pass) snapshots() *v1alpha1.SnapshotsStatus {
	s := p.Observed.Snapshots
	if p.Service.Spec.OpenSearch.Snapshots == nil || s.Due.IsZero() && s.Done.IsZero() {
		return nil
	}
	return &v1alpha1.SnapshotsStatus{LastScheduleTime: metav1.NewTime(s.Due), LastSuccessfulTime: metav1.NewTime(s.Done)}
}
