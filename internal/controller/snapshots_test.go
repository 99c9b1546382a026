package controller_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// TestSnapshotsAreScheduledAndTold: a CronJob for as long as they are asked for, whose status becomes that of the RAGService. One that
// somebody else has made says nothing.
func TestSnapshotsAreScheduledAndTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service(func(s *v1alpha1.RAGServiceSpec) {
		s.OpenSearch.Snapshots = &v1alpha1.SnapshotsSpec{Repository: v1alpha1.SnapshotRepository{ClaimName: "backups"}, Schedule: "@hourly"}
	})
	w.must(w.Create(t.Context(), w.backups()))
	w.readyBut(rag, map[string]string{"SnapshotsReady": "Unknown/SnapshotPending"})
	job := &batchv1.CronJob{}
	w.awaits(rag, desired.ComponentSnapshots, job)
	w.eventually(func() string {
		w.must(w.Get(t.Context(), client.ObjectKeyFromObject(rag), rag))
		if rag.Status.Snapshots == nil || rag.Status.Snapshots.NextScheduleTime.IsZero() {
			return "nobody tells when the first one is due"
		}
		return ""
	})
	due := metav1.NewTime(time.Now().Truncate(time.Hour)) // as the schedule has it
	w.setStatus(job, func() { job.Status.LastScheduleTime, job.Status.Active = &due, []corev1.ObjectReference{{Name: "job"}} })
	w.eventuallyShows(rag, map[string]string{"SnapshotsReady": "Unknown/SnapshotPending"})
	w.setStatus(job, func() { job.Status.Active = nil })
	w.eventuallyShows(rag, map[string]string{"SnapshotsReady": "False/SnapshotFailed", "Ready": "True/Ready", "Stalled": "", "Reconciling": ""})
	w.eventuallyTells("SnapshotFailed")
	done := metav1.NewTime(due.Add(time.Minute))
	w.setStatus(job, func() { job.Status.LastSuccessfulTime = &done })
	w.eventuallyShows(rag, map[string]string{"SnapshotsReady": "True/SnapshotTaken"})
	want := &v1alpha1.SnapshotsStatus{LastScheduleTime: due, LastSuccessfulTime: done, NextScheduleTime: metav1.NewTime(due.Add(time.Hour))}
	if diff := cmp.Diff(want, rag.Status.Snapshots); diff != "" {
		t.Errorf("status.snapshots (-want +got):\n%s", diff)
	}

	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.OpenSearch.Snapshots = nil })
	w.eventuallyShows(rag, map[string]string{"SnapshotsReady": "True/NotConfigured"})
	w.eventually(func() string {
		if err := w.Get(t.Context(), client.ObjectKeyFromObject(job), job); !apierrors.IsNotFound(err) {
			return "the CronJob is still there"
		}
		return ""
	})
	if rag.Status.Snapshots != nil {
		t.Errorf("status.snapshots stays: %+v", rag.Status.Snapshots)
	}
}

// TestOpenSearchDoesNotWaitForAVolumeOfSnapshots: its nodes mount it when it is there.
func TestOpenSearchDoesNotWaitForAVolumeOfSnapshots(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service(func(s *v1alpha1.RAGServiceSpec) {
		s.OpenSearch.Snapshots = &v1alpha1.SnapshotsSpec{Repository: v1alpha1.SnapshotRepository{ClaimName: "backups"}, Schedule: "@daily"}
	})
	w.readyBut(rag, map[string]string{"SnapshotsReady": "False/ClaimNotFound", "Ready": "True/Ready", "Reconciling": "", "Stalled": ""})
	mounts := func() bool {
		set := &appsv1.StatefulSet{}
		w.awaits(rag, desired.ComponentOpenSearch, set)
		return slices.ContainsFunc(set.Spec.Template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == desired.SnapshotsVolume })
	}
	if mounts() {
		t.Error("nodes of OpenSearch wait for a volume that is not there")
	}
	w.must(w.Create(t.Context(), w.backups()))
	w.eventuallyShows(rag, map[string]string{"SnapshotsReady": "Unknown/SnapshotPending"})
	if !mounts() {
		t.Error("nodes of OpenSearch do not mount the volume")
	}
}

// backups is a volume claim of a person.
func (w *world) backups() *corev1.PersistentVolumeClaim {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "backups"}}
	claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
	claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	return claim
}
