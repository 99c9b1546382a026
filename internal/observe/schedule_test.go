package observe

import (
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// TestTheScheduleOfSnapshots is that of the CronJob which the RAGService controls, while it asks for one.
func TestTheScheduleOfSnapshots(t *testing.T) {
	t.Parallel()
	due := metav1.NewTime(time.Unix(1_700_000_000, 0))
	asks := &v1alpha1.SnapshotsSpec{Repository: v1alpha1.SnapshotRepository{Name: "s3"}, Schedule: "@daily"}
	for name, c := range map[string]struct {
		spec *v1alpha1.SnapshotsSpec
		uid  types.UID
		want status.Schedule
	}{
		"its own":       {asks, "", status.Schedule{Cron: "@daily", Due: due.Time, Done: due.Time, Active: true}},
		"suspended":     {asks, "suspended", status.Schedule{Due: due.Time, Done: due.Time, Active: true}},
		"of another":    {asks, "another", status.Schedule{}},
		"of no use":     {nil, "", status.Schedule{}},
		"there is none": {asks, "none", status.Schedule{}},
	} {
		w := newCluster(t)
		w.rag.Spec.OpenSearch.Snapshots = c.spec
		suspended := c.uid == "suspended"
		if c.uid == "" || suspended {
			c.uid = w.rag.UID
		}
		if c.uid != "none" {
			pods := template()
			pods.Spec.RestartPolicy = corev1.RestartPolicyNever
			job := &batchv1.CronJob{
				ObjectMeta: w.meta("papers-snapshots", c.uid, nil),
				Spec:       batchv1.CronJobSpec{Schedule: "@daily", Suspend: &suspended, JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: pods}}},
			}
			w.create(job)
			job.Status = batchv1.CronJobStatus{LastScheduleTime: &due, LastSuccessfulTime: &due, Active: []corev1.ObjectReference{{Name: "job"}}}
			if err := w.Status().Update(t.Context(), job); err != nil {
				t.Fatal(err)
			}
		}
		snapshot, err := (&Observer{Reader: w, Poller: NewPoller(w)}).Read(t.Context(), w.rag)
		if err != nil {
			t.Fatal(err)
		}
		if got := snapshot.schedule; !got.Due.Equal(c.want.Due) || !got.Done.Equal(c.want.Done) || got.Active != c.want.Active || got.Cron != c.want.Cron {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// TestTheClaimOfSnapshots is looked for until the nodes mount it.
func TestTheClaimOfSnapshots(t *testing.T) {
	t.Parallel()
	w := newCluster(t)
	w.rag.Spec.OpenSearch.Snapshots = &v1alpha1.SnapshotsSpec{Repository: v1alpha1.SnapshotRepository{ClaimName: "backups"}, Schedule: "@daily"}
	observer := &Observer{Reader: w, Live: w, Poller: NewPoller(w), Now: time.Now}
	sees := func(missing bool, mounted string) {
		t.Helper()
		snapshot, err := observer.Read(t.Context(), w.rag)
		if err != nil {
			t.Fatal(err)
		}
		if got := snapshot.Children(); got.SnapshotClaimMissing != missing || got.MountedSnapshotClaim != mounted {
			t.Errorf("missing %t, mounted %q; want %t and %q", got.SnapshotClaimMissing, got.MountedSnapshotClaim, missing, mounted)
		}
		seen, err := observer.Observe(t.Context(), snapshot)
		if err != nil || seen.SnapshotClaimMissing != missing || missing && (seen.RecheckAfter == 0 || seen.RecheckAfter > stuckInterval) {
			t.Errorf("observed missing %t, looks again after %s, %v", seen.SnapshotClaimMissing, seen.RecheckAfter, err)
		}
	}
	sees(true, "")
	set := w.storeOf(desired.ComponentOpenSearch, w.rag.UID, nil)
	set.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: desired.SnapshotsVolume, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "earlier"},
	}}}
	if err := w.Update(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	sees(true, "earlier")
	w.create(&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "backups"}, Spec: volumeOfOneGi(nil)})
	sees(false, "earlier")
	w.rag.Spec.OpenSearch.Snapshots.Repository.ClaimName = "earlier" // which is gone, and mounted
	sees(false, "earlier")
}
