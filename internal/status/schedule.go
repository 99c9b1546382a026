package status

import (
	"time"

	"github.com/robfig/cron/v3"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// snapshotLate is how late a snapshot may begin before it is told that nothing begins it: the controller of CronJobs takes seconds.
const snapshotLate = 5 * time.Minute

// nextSnapshot is when the next snapshot is due, or, when that is past, the one that nothing has begun. It is zero while none is due. A CronJob
// does not show a Job that it could not make, so what was due is kept in the status until one begins, or another schedule holds.
func (p Pass) nextSnapshot() time.Time {
	s := p.Observed.Snapshots
	schedule, err := cron.ParseStandard(s.Cron) // Kubernetes reads schedules by the same parser
	if err != nil {
		return time.Time{}
	}
	now, begun := p.Now.UTC(), latest(s.Due, s.Done).UTC()
	soonest := schedule.Next(latest(now, begun)) // clocks differ: it may have begun what is not due yet by ours
	before := p.Service.Status.Snapshots
	if before == nil || before.NextScheduleTime.IsZero() {
		return soonest
	}
	kept := before.NextScheduleTime.UTC()
	switch isOfSchedule := schedule.Next(kept.Add(-time.Second)).Equal(kept); {
	case !kept.After(begun): // nobody may have looked when the one after that was due
		return schedule.Next(begun)
	case !isOfSchedule || kept.After(soonest): // another schedule holds since
		return soonest
	default:
		return kept
	}
}

// judgeSchedule says that no snapshot comes, or that the one that was due last has not begun. A missed one is told until another is complete,
// whatever the schedule is by then.
func (p Pass) judgeSchedule() (finding, bool) {
	s, next := p.Observed.Snapshots, p.nextSnapshot()
	previous := p.previous(v1alpha1.ConditionSnapshotsReady)
	switch {
	case s.Cron != "" && next.IsZero():
		return no(v1alpha1.ReasonNeverDue, "no day is one of spec.openSearch.snapshots.schedule %q, so no snapshot is ever taken: give another", s.Cron), true
	case s.Cron != "" && !s.Active && !p.Now.Before(next.Add(snapshotLate)):
		return no(v1alpha1.ReasonSnapshotMissed, "nothing has begun the snapshot that was due at %s: kubectl describe cronjob -n %s %s tells why",
			next.Format(time.RFC3339), p.Service.Namespace, p.snapshotCronJob()), true
	case previous.Reason == v1alpha1.ReasonSnapshotMissed && !s.Done.After(previous.LastTransitionTime.Time):
		return keepJudged(keep(previous)), true
	}
	return finding{}, false
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
