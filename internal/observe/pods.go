package observe

import (
	"context"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// componentPod is a pod and the component that it belongs to.
type componentPod struct {
	component desired.Component
	*corev1.Pod
}

// podsOf are the pods of workloads. Labels only narrow the search: anybody who may create pods can write them. What counts is the
// chain of controllers, by UID.
func podsOf(ctx context.Context, reader client.Reader, service types.NamespacedName, workloads map[types.UID]desired.Component) ([]componentPod, error) {
	if len(workloads) == 0 {
		return nil, nil
	}
	near := []client.ListOption{
		client.InNamespace(service.Namespace),
		client.MatchingLabels{desired.LabelName: desired.AppName, desired.LabelInstance: service.Name},
	}
	chain, err := throughReplicaSets(ctx, reader, near, workloads)
	if err != nil {
		return nil, err
	}
	var pods corev1.PodList
	if err := reader.List(ctx, &pods, near...); err != nil {
		return nil, err
	}
	var out []componentPod
	for i := range pods.Items {
		pod := &pods.Items[i]
		ref := metav1.GetControllerOfNoCopy(pod)
		if ref == nil {
			continue
		}
		if component, ours := chain[ref.UID]; ours {
			out = append(out, componentPod{component, pod})
		}
	}
	return out, nil
}

// throughReplicaSets adds the ReplicaSets that the workloads control.
func throughReplicaSets(
	ctx context.Context, reader client.Reader, near []client.ListOption, workloads map[types.UID]desired.Component,
) (map[types.UID]desired.Component, error) {
	var sets metav1.PartialObjectMetadataList
	sets.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("ReplicaSetList"))
	if err := reader.List(ctx, &sets, near...); err != nil {
		return nil, err
	}
	chain := make(map[types.UID]desired.Component, len(workloads)+len(sets.Items))
	maps.Copy(chain, workloads)
	for i := range sets.Items {
		set := &sets.Items[i]
		if ref := metav1.GetControllerOfNoCopy(set); ref != nil {
			if component, ours := workloads[ref.UID]; ours {
				chain[set.UID] = component
			}
		}
	}
	return chain, nil
}

// TrimPod leaves of a pod what Observe and Poller read, for the transform of a cache: a cluster has many pods, and most
// of a pod is its spec.
func TrimPod(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	trimmed := &corev1.Pod{
		TypeMeta: pod.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Name:              pod.Name,
			Namespace:         pod.Namespace,
			UID:               pod.UID,
			ResourceVersion:   pod.ResourceVersion,
			Labels:            pod.Labels,
			OwnerReferences:   pod.OwnerReferences,
			DeletionTimestamp: pod.DeletionTimestamp,
		},
		Status: corev1.PodStatus{
			Phase:                 pod.Status.Phase,
			PodIP:                 pod.Status.PodIP,
			HostIP:                pod.Status.HostIP,
			InitContainerStatuses: trimContainers(pod.Status.InitContainerStatuses),
			ContainerStatuses:     trimContainers(pod.Status.ContainerStatuses),
		},
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady || c.Type == corev1.PodScheduled {
			trimmed.Status.Conditions = append(trimmed.Status.Conditions, corev1.PodCondition{
				Type: c.Type, Status: c.Status, Reason: c.Reason, LastTransitionTime: c.LastTransitionTime,
			})
		}
	}
	return trimmed, nil
}

func trimContainers(all []corev1.ContainerStatus) []corev1.ContainerStatus {
	trimmed := make([]corev1.ContainerStatus, len(all))
	for i, c := range all {
		trimmed[i] = corev1.ContainerStatus{
			Name: c.Name, Ready: c.Ready, RestartCount: c.RestartCount,
			State: trimState(c.State), LastTerminationState: trimState(c.LastTerminationState),
		}
	}
	return trimmed
}

func trimState(s corev1.ContainerState) corev1.ContainerState {
	var trimmed corev1.ContainerState
	switch {
	case s.Waiting != nil:
		trimmed.Waiting = &corev1.ContainerStateWaiting{Reason: s.Waiting.Reason}
	case s.Running != nil:
		trimmed.Running = &corev1.ContainerStateRunning{}
	case s.Terminated != nil:
		trimmed.Terminated = &corev1.ContainerStateTerminated{Reason: s.Terminated.Reason, ExitCode: s.Terminated.ExitCode}
	}
	return trimmed
}
