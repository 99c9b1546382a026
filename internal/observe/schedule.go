package observe

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// readSchedule reads the CronJob that has snapshots taken, where the spec asks for it.
func (s *Snapshot) readSchedule(ctx context.Context, reader client.Reader) error {
	if s.service.Spec.OpenSearch.Snapshots == nil {
		return nil
	}
	c := &batchv1.CronJob{}
	key := client.ObjectKey{Namespace: s.service.Namespace, Name: desired.Name(s.service.Name, desired.ComponentSnapshots)}
	if err := reader.Get(ctx, key, c); err != nil {
		return client.IgnoreNotFound(err)
	}
	if metav1.IsControlledBy(c, s.service) {
		s.schedule = ScheduleOf(c)
	}
	return nil
}

// readSnapshotClaim looks for the claim that snapshots shall be kept on, past the cache, which has only what carries our labels, until the nodes
// of OpenSearch mount it: a claim that goes later stays for as long as they do.
func (s *Snapshot) readSnapshotClaim(ctx context.Context, live client.Reader) error {
	s.snapshotClaim = mountedSnapshotClaim(s.stores[desired.ComponentOpenSearch])
	claim := desired.SnapshotClaim(s.service)
	if claim == "" || claim == s.snapshotClaim || live == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	err := live.Get(ctx, client.ObjectKey{Namespace: s.service.Namespace, Name: claim}, &corev1.PersistentVolumeClaim{})
	s.noSnapshotClaim = apierrors.IsNotFound(err)
	return client.IgnoreNotFound(err)
}

// mountedSnapshotClaim is the claim with snapshots that the nodes of a StatefulSet mount; empty when they mount none.
func mountedSnapshotClaim(set *appsv1.StatefulSet) string {
	if set == nil {
		return ""
	}
	for _, v := range set.Spec.Template.Spec.Volumes {
		if v.Name == desired.SnapshotsVolume && v.PersistentVolumeClaim != nil {
			return v.PersistentVolumeClaim.ClaimName
		}
	}
	return ""
}

// ScheduleOf is what Observe sees of a CronJob; zero for any other object.
func ScheduleOf(object client.Object) status.Schedule {
	c, is := object.(*batchv1.CronJob)
	if !is {
		return status.Schedule{}
	}
	found := status.Schedule{Active: len(c.Status.Active) > 0}
	if !ptr.Deref(c.Spec.Suspend, false) {
		found.Cron = c.Spec.Schedule
	}
	if last := c.Status.LastScheduleTime; last != nil {
		found.Due = last.Time
	}
	if last := c.Status.LastSuccessfulTime; last != nil {
		found.Done = last.Time
	}
	return found
}
