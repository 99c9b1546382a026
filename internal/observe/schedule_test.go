package observe

import (
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
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
		"its own":       {asks, "", status.Schedule{Due: due.Time, Done: due.Time, Active: true}},
		"of another":    {asks, "another", status.Schedule{}},
		"of no use":     {nil, "", status.Schedule{}},
		"there is none": {asks, "none", status.Schedule{}},
	} {
		w := newCluster(t)
		w.rag.Spec.OpenSearch.Snapshots = c.spec
		if c.uid == "" {
			c.uid = w.rag.UID
		}
		if c.uid != "none" {
			pods := template()
			pods.Spec.RestartPolicy = corev1.RestartPolicyNever
			job := &batchv1.CronJob{
				ObjectMeta: w.meta("papers-snapshots", c.uid, nil),
				Spec:       batchv1.CronJobSpec{Schedule: "@daily", JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: pods}}},
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
		if got := snapshot.schedule; !got.Due.Equal(c.want.Due) || !got.Done.Equal(c.want.Done) || got.Active != c.want.Active {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
