package status_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// snapshotEvaluations are those of evaluations about snapshots.
var snapshotEvaluations = []evaluation{
	{"no snapshot was due yet", []change{scheduled(status.Schedule{})}, outcome{"SnapshotsReady": "Unknown/SnapshotPending"}},
	{"the first snapshot is being taken", []change{scheduled(status.Schedule{Due: start.Add(59 * time.Minute), Active: true})},
		outcome{"SnapshotsReady": "Unknown/SnapshotPending"}},
	{"the first snapshot failed", []change{scheduled(status.Schedule{Due: start})}, outcome{"SnapshotsReady": "False/SnapshotFailed"}},
	{"a snapshot was taken", []change{scheduled(status.Schedule{Due: start, Done: start.Add(time.Minute)})},
		outcome{"SnapshotsReady": "True/SnapshotTaken"}},
	{"a snapshot is being taken", []change{scheduled(status.Schedule{Due: start.Add(59 * time.Minute), Done: start, Active: true}), snapshotWasDue(start.Add(-time.Minute))},
		outcome{"SnapshotsReady": "True/SnapshotTaken"}},
	{"a snapshot failed after others", []change{scheduled(status.Schedule{Due: start, Done: start.Add(-time.Hour)})},
		outcome{"SnapshotsReady": "False/SnapshotFailed"}},
	{"a snapshot is being taken after one that failed", []change{
		scheduled(status.Schedule{Due: start, Done: start.Add(-time.Hour), Active: true}), was(v1alpha1.ConditionSnapshotsReady, metav1.ConditionFalse, v1alpha1.ReasonSnapshotFailed),
	}, outcome{"SnapshotsReady": "False/SnapshotFailed"}},
	{"a snapshot is being taken, and the one before it was not", []change{
		scheduled(status.Schedule{Due: start, Done: start.Add(-time.Hour), Active: true}), snapshotWasDue(start.Add(-time.Minute)),
	}, outcome{"SnapshotsReady": "False/SnapshotFailed"}},
	{"a snapshot has been under way for an hour", []change{
		scheduled(status.Schedule{Due: start, Done: start.Add(-time.Hour), Active: true}), snapshotWasDue(start),
		func(p *status.Pass) { p.Now = start.Add(time.Hour) },
	}, outcome{"SnapshotsReady": "Unknown/SnapshotPending"}},
	{"the claim of snapshots is missing", []change{scheduled(status.Schedule{}), func(p *status.Pass) { p.Observed.SnapshotClaimMissing = true }},
		outcome{"SnapshotsReady": "False/ClaimNotFound"}},
	{"the CronJob of snapshots is refused", []change{scheduled(status.Schedule{}), fault(desired.ComponentSnapshots, v1alpha1.ReasonApplyFailed)},
		outcome{"SnapshotsReady": "False/ApplyFailed", "Stalled": "True/ApplyFailed"}},
}

func snapshotWasDue(due time.Time) change {
	return func(p *status.Pass) {
		p.Service.Status.Snapshots = &v1alpha1.SnapshotsStatus{LastScheduleTime: metav1.NewTime(due)}
	}
}

// scheduled has snapshots be asked for, of which this became.
func scheduled(s status.Schedule) change {
	return func(p *status.Pass) {
		p.Service.Spec.OpenSearch.Snapshots = &v1alpha1.SnapshotsSpec{
			Repository: v1alpha1.SnapshotRepository{Name: "s3"}, Schedule: "@daily",
		}
		if s.Cron == "" {
			s.Cron = "@daily"
		}
		p.Observed.Snapshots = s
	}
}

func TestStatusOfSnapshots(t *testing.T) {
	t.Parallel()
	done := start.Add(time.Minute)
	v := status.Evaluate(wellPass(scheduled(status.Schedule{Due: start, Done: done})))
	want := &v1alpha1.SnapshotsStatus{LastScheduleTime: metav1.NewTime(start), LastSuccessfulTime: metav1.NewTime(done), NextScheduleTime: metav1.NewTime(midnight)}
	if diff := cmp.Diff(want, v.Status.Snapshots); diff != "" {
		t.Errorf("status.snapshots (-want +got):\n%s", diff)
	}
	if got := status.Evaluate(wellPass(func(p *status.Pass) { p.Observed.Snapshots.Due = start })).Status.Snapshots; got != nil {
		t.Errorf("without spec.openSearch.snapshots status.snapshots is %v, want none", got)
	}
}

// TestAFailedSnapshotIsToldOnce, with what to do, and its end.
func TestAFailedSnapshotIsToldOnce(t *testing.T) {
	t.Parallel()
	p := wellPass(scheduled(status.Schedule{Due: start}))
	v := status.Evaluate(p)
	if len(v.Events) != 1 || v.Events[0].Reason != v1alpha1.ReasonSnapshotFailed || v.Events[0].Type != "Warning" ||
		!strings.Contains(v.Events[0].Message, "kubectl logs -n library -l app.kubernetes.io/instance=papers,app.kubernetes.io/component=snapshots") {
		t.Errorf("events %+v, want a warning with the command that shows why", v.Events)
	}
	p.Service.Status = v.Status
	if v = status.Evaluate(p); len(v.Events) != 0 {
		t.Errorf("again: events %+v, want none", v.Events)
	}
	p.Service.Status, p.Observed.Snapshots.Done = v.Status, start.Add(time.Hour)
	if v = status.Evaluate(p); len(v.Events) != 1 || v.Events[0].Reason != v1alpha1.ReasonSnapshotTaken || v.Events[0].Type != "Normal" {
		t.Errorf("after the next one: events %+v, want one that says it is taken", v.Events)
	}
}

// TestASnapshotUnderWayIsLookedAtAgain when it has taken an hour: nothing else tells of one that hangs.
func TestASnapshotUnderWayIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	p := wellPass(scheduled(status.Schedule{Due: start.Add(59 * time.Minute), Active: true}))
	if got := status.Evaluate(p).RecheckAfter; got != 59*time.Minute {
		t.Errorf("looks again after %s, want 59 minutes", got)
	}
	p.Now = start.Add(2 * time.Hour)
	if got := status.Evaluate(p).RecheckAfter; got != 0 {
		t.Errorf("of one that hangs, looks again after %s", got)
	}
}

// midnight is when schedules of @daily are due next.
var midnight = time.Date(2030, 1, 3, 0, 0, 0, 0, time.UTC)

// TestNextSnapshot is the next one that is due, and one that nothing began until another begins.
func TestNextSnapshot(t *testing.T) {
	t.Parallel()
	yesterday := midnight.Add(-24 * time.Hour)
	told := func(last, next time.Time) *v1alpha1.SnapshotsStatus {
		return &v1alpha1.SnapshotsStatus{LastScheduleTime: metav1.NewTime(last), NextScheduleTime: metav1.NewTime(next)}
	}
	for name, test := range map[string]struct {
		schedule string // of the CronJob; empty for none that makes Jobs
		told     *v1alpha1.SnapshotsStatus
		seen     status.Schedule
		now      time.Time
		next     time.Time
		reason   string
		again    time.Duration
	}{
		"nothing was told yet":      {"@daily", nil, status.Schedule{}, start, midnight, "SnapshotPending", midnight.Add(5 * time.Minute).Sub(start)},
		"it is due":                 {"@daily", told(yesterday, midnight), status.Schedule{Due: yesterday, Done: yesterday}, midnight.Add(4 * time.Minute), midnight, "SnapshotTaken", time.Minute},
		"nothing has begun it":      {"@daily", told(yesterday, midnight), status.Schedule{Due: yesterday, Done: yesterday}, midnight.Add(5 * time.Minute), midnight, "SnapshotMissed", 0},
		"nor the one after":         {"@daily", told(yesterday, midnight), status.Schedule{Due: yesterday, Done: yesterday}, midnight.Add(30 * time.Hour), midnight, "SnapshotMissed", 0},
		"nothing has begun a first": {"@daily", told(time.Time{}, midnight), status.Schedule{}, midnight.Add(time.Hour), midnight, "SnapshotMissed", 0},
		"it has begun": {
			"@daily", told(yesterday, midnight), status.Schedule{Due: midnight, Done: yesterday, Active: true}, midnight.Add(time.Minute), midnight.Add(24 * time.Hour), "SnapshotTaken", 59 * time.Minute,
		},
		"it was taken": {
			"@daily", told(midnight, midnight.Add(24*time.Hour)), status.Schedule{Due: midnight, Done: midnight}, midnight.Add(time.Minute), midnight.Add(24 * time.Hour), "SnapshotTaken",
			24*time.Hour + 4*time.Minute,
		},
		"nobody looked for two days": {
			"@daily", told(yesterday, midnight), status.Schedule{Due: midnight, Done: midnight}, midnight.Add(50 * time.Hour), midnight.Add(24 * time.Hour), "SnapshotMissed", 0,
		},
		"there is no CronJob":           {"", told(yesterday, midnight), status.Schedule{Due: yesterday, Done: yesterday}, midnight.Add(time.Hour), time.Time{}, "SnapshotTaken", 0},
		"it is due after a suspension":  {"@daily", told(yesterday, time.Time{}), status.Schedule{Due: yesterday, Done: yesterday}, midnight.Add(time.Hour), midnight.Add(24 * time.Hour), "SnapshotTaken", 23*time.Hour + 5*time.Minute},
		"it has begun by another clock": {"@daily", told(midnight, midnight), status.Schedule{Due: midnight, Done: midnight}, midnight.Add(-time.Second), midnight.Add(24 * time.Hour), "SnapshotTaken", 24*time.Hour + 5*time.Minute + time.Second},
		"it has begun, and the next is kept": {
			"@daily", told(midnight, midnight.Add(24*time.Hour)), status.Schedule{Due: midnight, Done: midnight}, midnight.Add(-time.Second), midnight.Add(24 * time.Hour), "SnapshotTaken",
			24*time.Hour + 5*time.Minute + time.Second,
		},
		"one is due while another is taken": {
			"*/10 * * * *", told(midnight, midnight.Add(10*time.Minute)), status.Schedule{Due: midnight, Done: yesterday, Active: true}, midnight.Add(20 * time.Minute),
			midnight.Add(10 * time.Minute), "SnapshotTaken", 40 * time.Minute,
		},
		"somebody has taken it by hand":    {"@daily", told(yesterday, midnight), status.Schedule{Due: yesterday, Done: midnight.Add(time.Hour)}, midnight.Add(2 * time.Hour), midnight.Add(24 * time.Hour), "SnapshotTaken", 22*time.Hour + 5*time.Minute},
		"no day, and one is taken":         {"0 0 31 2 *", told(midnight.Add(-time.Minute), midnight), status.Schedule{Due: midnight.Add(-time.Minute), Done: yesterday, Active: true}, midnight, time.Time{}, "NeverDue", 59 * time.Minute},
		"another schedule holds":           {"0 6 * * *", told(yesterday, midnight), status.Schedule{Due: yesterday, Done: yesterday}, midnight.Add(time.Hour), midnight.Add(6 * time.Hour), "SnapshotTaken", 5*time.Hour + 5*time.Minute},
		"the same and more often":          {"@hourly", told(yesterday, midnight), status.Schedule{Due: yesterday, Done: yesterday}, start, start.Truncate(time.Hour).Add(time.Hour), "SnapshotTaken", time.Hour - 4*time.Minute - 5*time.Second + 5*time.Minute},
		"days that do not exist":           {"0 0 31 2 *", nil, status.Schedule{}, start, time.Time{}, "NeverDue", 0},
		"the one before takes so long":     {"@daily", told(yesterday, midnight), status.Schedule{Due: yesterday, Active: true}, midnight.Add(time.Hour), midnight, "SnapshotPending", 0},
		"the one that was due last failed": {"@daily", told(yesterday, midnight), status.Schedule{Due: yesterday}, midnight.Add(time.Hour), midnight, "SnapshotFailed", 0},
	} {
		p := wellPass(scheduled(test.seen), func(p *status.Pass) {
			p.Observed.Snapshots.Cron, p.Service.Status.Snapshots, p.Now = test.schedule, test.told, test.now
		})
		v := status.Evaluate(p)
		if got := v.Status.Snapshots.NextScheduleTime.Time; !got.Equal(test.next) {
			t.Errorf("%s: the next is due at %s, want %s", name, got, test.next)
		}
		c := meta.FindStatusCondition(v.Status.Conditions, v1alpha1.ConditionSnapshotsReady)
		if c.Reason != test.reason || v.RecheckAfter != test.again {
			t.Errorf("%s: %s (%s), looks again after %s; want %s and %s", name, c.Reason, c.Message, v.RecheckAfter, test.reason, test.again)
		}
	}
}

// TestAMissedSnapshotIsToldUntilAnotherIsComplete, whatever the schedule is by then.
func TestAMissedSnapshotIsToldUntilAnotherIsComplete(t *testing.T) {
	t.Parallel()
	told := midnight.Add(5 * time.Minute)
	for name, test := range map[string]struct {
		seen status.Schedule
		want string
	}{
		"another schedule":       {status.Schedule{Cron: "0 6 * * *", Due: start, Done: start}, "SnapshotMissed"},
		"no schedule":            {status.Schedule{Due: start, Done: start}, "SnapshotMissed"},
		"another is being taken": {status.Schedule{Cron: "@hourly", Due: told, Done: start, Active: true}, "SnapshotMissed"},
		"it failed":              {status.Schedule{Cron: "@hourly", Due: told, Done: start}, "SnapshotFailed"},
		"one by hand":            {status.Schedule{Cron: "@daily", Due: start, Done: told.Add(time.Minute)}, "SnapshotTaken"},
		"the next is under way":  {status.Schedule{Cron: "@hourly", Due: told.Add(10 * time.Minute), Done: told.Add(time.Minute), Active: true}, "SnapshotTaken"},
	} {
		p := wellPass(scheduled(test.seen), was(v1alpha1.ConditionSnapshotsReady, metav1.ConditionFalse, v1alpha1.ReasonSnapshotMissed))
		p.Observed.Snapshots.Cron, p.Now = test.seen.Cron, midnight.Add(20*time.Minute)
		for i := range p.Service.Status.Conditions {
			if c := &p.Service.Status.Conditions[i]; c.Type == v1alpha1.ConditionSnapshotsReady {
				c.LastTransitionTime = metav1.NewTime(told)
			}
		}
		c := meta.FindStatusCondition(status.Evaluate(p).Status.Conditions, v1alpha1.ConditionSnapshotsReady)
		if c.Reason != test.want || c.ObservedGeneration != p.Service.Generation {
			t.Errorf("%s: %s of generation %d, want %s", name, c.Reason, c.ObservedGeneration, test.want)
		}
	}
}
