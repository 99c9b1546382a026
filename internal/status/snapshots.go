package status

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// Schedule is the CronJob that has snapshots taken, and what became of it; zero while there is none.
type Schedule struct {
	// Cron is when one is due, as cron writes it; empty while none is.
	Cron string
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
	case p.Observed.SnapshotClaimMissing:
		return no(v1alpha1.ReasonClaimNotFound, "spec.openSearch.snapshots.repository.claimName names %q, which does not exist: "+
			"create the PersistentVolumeClaim in namespace %s; OpenSearch goes on without it until then",
			desired.SnapshotClaim(p.Service), p.Service.Namespace)
	case s.Active && (previous.Reason == v1alpha1.ReasonSnapshotFailed || p.snapshotFailedBefore()):
		return p.snapshotFailed()
	case p.snapshotHangs():
		return unknown(v1alpha1.ReasonSnapshotPending, sentence("the snapshot that was due last has taken more than %d minutes: "+
			"kubectl describe pod -n %s -l %s", int(snapshotSoon.Minutes()), p.Service.Namespace, p.snapshotPods()))
	case !s.Active && s.Due.After(s.Done):
		return p.snapshotFailed()
	}
	if f, missed := p.judgeSchedule(); missed {
		return f
	}
	switch {
	case !s.Done.IsZero():
		return yes(v1alpha1.ReasonSnapshotTaken, "the snapshot that was due last is complete")
	default:
		return unknown(v1alpha1.ReasonSnapshotPending, "the first snapshot is still to come")
	}
}

func (p Pass) snapshotFailed() finding {
	return no(v1alpha1.ReasonSnapshotFailed, "the snapshot that was due last was not taken: kubectl logs -n %s -l %s; of a pod that did not "+
		"start, kubectl describe pod tells", p.Service.Namespace, p.snapshotPods())
}

// snapshotFailedBefore says that the one was not taken that was due before the one which is being taken. Nobody may have seen a moment between
// the two.
func (p Pass) snapshotFailedBefore() bool {
	before := p.Service.Status.Snapshots
	return before != nil && before.LastScheduleTime.After(p.Observed.Snapshots.Done) && before.LastScheduleTime.Time.Before(p.Observed.Snapshots.Due)
}

// snapshotSoon is how long a snapshot is waited for before it is told that it takes long.
const snapshotSoon = time.Hour

// snapshotHangs says that one is being taken for so long.
func (p Pass) snapshotHangs() bool {
	s := p.Observed.Snapshots
	return s.Active && p.Now.Sub(s.Due) >= snapshotSoon
}

// snapshotDeadline is when a snapshot that is being taken takes long, or the next one is late; 0 for neither.
func (p Pass) snapshotDeadline() time.Duration {
	if p.Observed == nil || p.Service.Spec.OpenSearch.Snapshots == nil {
		return 0
	}
	due, patience := p.nextSnapshot(), snapshotLate
	if p.Observed.Snapshots.Active {
		due, patience = p.Observed.Snapshots.Due, snapshotSoon
	}
	if due.IsZero() || !p.Now.Before(due.Add(patience)) {
		return 0
	}
	return max(due.Add(patience).Sub(p.Now), time.Second)
}

func (p Pass) snapshotCronJob() string {
	return desired.Name(p.Service.Name, desired.ComponentSnapshots)
}

// snapshotPods are the labels of the pods that take snapshots.
func (p Pass) snapshotPods() string {
	return fmt.Sprintf("app.kubernetes.io/instance=%s,app.kubernetes.io/component=%s", p.Service.Name, desired.ComponentSnapshots)
}

// snapshots is status.snapshots.
func (p Pass) snapshots() *v1alpha1.SnapshotsStatus {
	if p.Service.Spec.OpenSearch.Snapshots == nil {
		return nil
	}
	s := p.Observed.Snapshots
	return &v1alpha1.SnapshotsStatus{
		LastScheduleTime: metav1.NewTime(s.Due), LastSuccessfulTime: metav1.NewTime(s.Done), NextScheduleTime: metav1.NewTime(p.nextSnapshot()),
	}
}
