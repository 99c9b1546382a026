package observe

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// workloads are those that the RAGService controls, as their controllers report them.
func (s *Snapshot) workloads() map[desired.Component]status.Workload {
	all := map[desired.Component]status.Workload{}
	if s.deployment != nil {
		all[desired.ComponentServer] = ofDeployment(s.deployment)
	}
	for c, set := range s.stores {
		if metav1.IsControlledBy(set, s.service) {
			all[c] = ofStatefulSet(set)
		}
	}
	noteReadySince(all, s.pods)
	return all
}

// RolledOut says that all pods that shall be there are ready and of the latest templates.
func (s *Snapshot) RolledOut() bool {
	for _, w := range s.workloads() {
		if !rolledOut(w) {
			return false
		}
	}
	return true
}

func rolledOut(w status.Workload) bool {
	return w.UpToDate && w.UpdatedReplicas == w.WantedReplicas && w.Replicas == w.WantedReplicas && w.ReadyReplicas == w.WantedReplicas
}

// serverDeployment is the server's Deployment, or nil when there is none that the RAGService controls.
func serverDeployment(ctx context.Context, reader client.Reader, service types.NamespacedName, uid types.UID) (*appsv1.Deployment, error) {
	var d appsv1.Deployment
	key := client.ObjectKey{Namespace: service.Namespace, Name: desired.Name(service.Name, desired.ComponentServer)}
	if err := reader.Get(ctx, key, &d); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	if !metav1.IsControlledBy(&d, &metav1.ObjectMeta{UID: uid}) {
		return nil, nil
	}
	return &d, nil
}

// WorkloadOf is what Observe sees of a Deployment or StatefulSet; zero for any other object.
func WorkloadOf(object client.Object) status.Workload {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return ofDeployment(o)
	case *appsv1.StatefulSet:
		return ofStatefulSet(o)
	default:
		return status.Workload{}
	}
}

func ofDeployment(d *appsv1.Deployment) status.Workload {
	return status.Workload{
		Replicas:        d.Status.Replicas,
		UpdatedReplicas: d.Status.UpdatedReplicas,
		ReadyReplicas:   d.Status.ReadyReplicas,
		WantedReplicas:  ptr.Deref(d.Spec.Replicas, 1),
		Refused:         deploymentRefusal(d),
		UpToDate:        d.Status.ObservedGeneration >= d.Generation,
	}
}

func ofStatefulSet(s *appsv1.StatefulSet) status.Workload {
	return status.Workload{
		Replicas:        s.Status.Replicas,
		UpdatedReplicas: s.Status.UpdatedReplicas,
		ReadyReplicas:   s.Status.ReadyReplicas,
		WantedReplicas:  ptr.Deref(s.Spec.Replicas, 1),
		UpToDate:        s.Status.ObservedGeneration >= s.Generation,
	}
}

// noteReadySince notes when the youngest ready pod of each workload became ready.
func noteReadySince(workloads map[desired.Component]status.Workload, pods []componentPod) {
	for _, pod := range pods {
		if since, ready := readySince(pod.Pod); ready && since.After(workloads[pod.component].ReadySince) {
			w := workloads[pod.component]
			w.ReadySince = since
			workloads[pod.component] = w
		}
	}
}
