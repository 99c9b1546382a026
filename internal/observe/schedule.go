package observe

import (
	"context"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// ScheduleOf is what Observe sees of a CronJob; zero for any other object.
func ScheduleOf(object client.Object) status.Schedule {
	c, is := object.(*batchv1.CronJob)
	if !is {
		return status.Schedule{}
	}
	found := status.Schedule{Active: len(c.Status.Active) > 0}
	if last := c.Status.LastScheduleTime; last != nil {
		found.Due = last.Time
	}
	if last := c.Status.LastSuccessfulTime; last != nil {
		found.Done = last.Time
	}
	return found
}
