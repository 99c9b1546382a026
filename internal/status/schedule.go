package status

import (
	"time"

	"github.com/robfig/cron/v3"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// snapshotLate is how late a snapshot may begin before it is told that nothing begins it: the controller of CronJobs takes seconds.
const snapshotLate = 5 * time.Minute

// nextSnapshot is when the next snapshot is due, or, when that is past, the one that nothing has begun. It is zero for a schedule of dates
// that do not exist. A CronJob does not show a Job that it could not make, so what was due is kept in the status until the next one begins, or
// another schedule holds.
func (p Pass) nextSnapshot() time.Time {
	// Kubernetes reads schedules by the same parser.
	schedule, err := cron.ParseStandard(string(p.Service.Spec.OpenSearch.Snapshots.Schedule))
	if err != nil {
		return time.Time{}
	}
	now, before := p.Now.UTC(), p.Service.Status.Snapshots
	soonest := schedule.Next(now)
	if before == nil {
		return soonest
	}
	if due := p.Observed.Snapshots.Due.UTC(); due.After(before.LastScheduleTime.Time) {
		return schedule.Next(due)
	}
	kept := before.NextScheduleTime.UTC()
	if kept.IsZero() || kept.After(soonest) || !schedule.Next(kept.Add(-time.Second)).Equal(kept) {
		return soonest
	}
	return kept
}

// judgeSchedule says that no snapshot comes, or that the one that was due last has not begun.
func (p Pass) judgeSchedule() (finding, bool) {
	next := p.nextSnapshot()
	switch {
	case next.IsZero():
		return no(v1alpha1.ReasonSnapshotMissed, "no day is one of spec.openSearch.snapshots.schedule %q, so no snapshot is ever taken: give another",
			p.Service.Spec.OpenSearch.Snapshots.Schedule), true
	case !p.Now.Before(next.Add(snapshotLate)):
		return no(v1alpha1.ReasonSnapshotMissed, "nothing has begun the snapshot that was due at %s: kubectl describe cronjob -n %s %s tells why",
			next.Format(time.RFC3339), p.Service.Namespace, p.snapshotCronJob()), true
	}
	return finding{}, false
}
