package observe

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/observe/observed"
)

// controllers are the workloads of a RAGService, and by their UID the component whose pods they make.
type controllers struct {
	workloads map[desired.Component]observed.Workload
	byUID     map[types.UID]desired.Component
}

func (o *Observer) controllers(ctx context.Context, rag *v1alpha1.RAGService) (controllers, error) {
	found := controllers{
		workloads: map[desired.Component]observed.Workload{},
		byUID:     map[types.UID]desired.Component{},
	}
	server, err := serverDeployment(ctx, o.Reader, client.ObjectKeyFromObject(rag), rag.UID)
	if err != nil {
		return found, err
	}
	if server != nil {
		found.workloads[desired.ComponentServer] = ofDeployment(server)
		found.byUID[server.UID] = desired.ComponentServer
	}
	for _, c := range desired.Components() {
		if c == desired.ComponentServer {
			continue
		}
		var set appsv1.StatefulSet
		key := client.ObjectKey{Namespace: rag.Namespace, Name: desired.Name(rag.Name, c)}
		exists, err := getOwned(ctx, o.Reader, key, rag.UID, &set)
		if err != nil {
			return found, err
		}
		if exists {
			found.workloads[c] = ofStatefulSet(&set)
			found.byUID[set.UID] = c
		}
	}
	return found, nil
}

// serverDeployment is the server's Deployment, or nil when there is none that the RAGService controls.
func serverDeployment(ctx context.Context, reader client.Reader, service types.NamespacedName, uid types.UID) (*appsv1.Deployment, error) {
	var d appsv1.Deployment
	key := client.ObjectKey{Namespace: service.Namespace, Name: desired.Name(service.Name, desired.ComponentServer)}
	exists, err := getOwned(ctx, reader, key, uid, &d)
	if err != nil || !exists {
		return nil, err
	}
	return &d, nil
}

// getOwned reads an object and says whether it exists and is controlled by owner.
func getOwned(ctx context.Context, reader client.Reader, key client.ObjectKey, owner types.UID, into client.Object) (bool, error) {
	err := reader.Get(ctx, key, into)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return metav1.IsControlledBy(into, &metav1.ObjectMeta{UID: owner}), nil
}

// WorkloadOf is what Observe sees of a Deployment or StatefulSet; zero for any other object.
func WorkloadOf(object client.Object) observed.Workload {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return ofDeployment(o)
	case *appsv1.StatefulSet:
		return ofStatefulSet(o)
	default:
		return observed.Workload{}
	}
}

func ofDeployment(d *appsv1.Deployment) observed.Workload {
	return observed.Workload{
		Replicas:        d.Status.Replicas,
		UpdatedReplicas: d.Status.UpdatedReplicas,
		ReadyReplicas:   d.Status.ReadyReplicas,
		WantedReplicas:  ptr.Deref(d.Spec.Replicas, 1),
		Refused:         deploymentRefusal(d),
		UpToDate:        d.Status.ObservedGeneration >= d.Generation,
	}
}

func ofStatefulSet(s *appsv1.StatefulSet) observed.Workload {
	return observed.Workload{
		Replicas:        s.Status.Replicas,
		UpdatedReplicas: s.Status.UpdatedReplicas,
		ReadyReplicas:   s.Status.ReadyReplicas,
		WantedReplicas:  ptr.Deref(s.Spec.Replicas, 1),
		UpToDate:        s.Status.ObservedGeneration >= s.Generation,
	}
}

// noteReadySince notes when the youngest ready pod of each workload became ready.
func noteReadySince(workloads map[desired.Component]observed.Workload, pods []componentPod) {
	for _, pod := range pods {
		if since, ready := readySince(pod.Pod); ready && since.After(workloads[pod.component].ReadySince) {
			w := workloads[pod.component]
			w.ReadySince = since
			workloads[pod.component] = w
		}
	}
}
