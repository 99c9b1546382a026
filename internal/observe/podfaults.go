package observe

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// schedulingGrace is how long a pod may look unschedulable before it is told: a volume that is being made looks so.
const schedulingGrace = 10 * time.Second

// endGrace is how long past its time a pod may take to end: one that is still there was not ended by its node.
const endGrace = 20 * time.Second

// maxReason bounds a reason, as its schema does.
const maxReason = 64

// diagnose finds what is wrong with pods, and how soon to look again at the first that may only be waiting for its
// volume, or to end; 0 for never. Pods that are going or have ended for good are not told: their replacements speak for themselves.
func diagnose(pods []componentPod, now time.Time) (found []status.ComponentDiagnostic, recheck time.Duration) {
	for _, pod := range pods {
		if pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
			continue
		}
		if pod.DeletionTimestamp != nil {
			left := pod.DeletionTimestamp.Add(endGrace).Sub(now)
			if left > 0 {
				recheck = soonest(recheck, left)
				continue
			}
			found = append(found, diagnostic(pod, "", v1alpha1.ReasonNodeLost, nil))
			continue
		}
		if onLostNode(pod.Pod) {
			found = append(found, diagnostic(pod, "", v1alpha1.ReasonNodeLost, nil))
			continue
		}
		since, unschedulable := unschedulableSince(pod.Pod)
		if !unschedulable {
			found = append(found, diagnoseContainers(pod)...)
			continue
		}
		if left := since.Add(schedulingGrace).Sub(now); left > 0 {
			recheck = soonest(recheck, left)
			continue
		}
		found = append(found, diagnostic(pod, "", status.ReasonUnschedulable, nil))
	}
	sortDiagnostics(found)
	return found, recheck
}

// soonest is the smaller of two waits, of which 0 means none.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

func sortDiagnostics(all []status.ComponentDiagnostic) {
	slices.SortFunc(all, func(a, b status.ComponentDiagnostic) int {
		return strings.Compare(a.Pod+" "+a.Container, b.Pod+" "+b.Container)
	})
}

// onLostNode says that nobody hears of a pod's node any more: the pod is not ready though each of its containers was when
// last heard of. Only the node controller writes that; a readiness gate has a reason.
func onLostNode(pod *corev1.Pod) bool {
	if pod.Status.Phase != corev1.PodRunning || len(pod.Status.ContainerStatuses) == 0 {
		return false
	}
	for _, c := range pod.Status.ContainerStatuses {
		if !c.Ready {
			return false
		}
	}
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionFalse && c.Reason == ""
	})
}

func unschedulableSince(pod *corev1.Pod) (time.Time, bool) {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return c.LastTransitionTime.Time, true
		}
	}
	return time.Time{}, false
}

func diagnoseContainers(pod componentPod) []status.ComponentDiagnostic {
	var found []status.ComponentDiagnostic
	for _, c := range pod.Status.InitContainerStatuses {
		if succeeded := c.State.Terminated != nil && c.State.Terminated.ExitCode == 0; succeeded {
			continue
		}
		if reason, exitCode, failing := containerFault(c); failing {
			found = append(found, diagnostic(pod, c.Name, reason, exitCode))
		}
	}
	for _, c := range pod.Status.ContainerStatuses {
		if reason, exitCode, failing := containerFault(c); failing {
			found = append(found, diagnostic(pod, c.Name, reason, exitCode))
		}
	}
	return found
}

// containerFault says what keeps a container from being ready, if anything but time. One that has ended before stays at
// fault while it runs, until it is ready.
func containerFault(c corev1.ContainerStatus) (reason string, exitCode *int32, failing bool) {
	if c.Ready {
		return "", nil, false
	}
	end := c.State.Terminated
	if end == nil {
		end = c.LastTerminationState.Terminated
	}
	waiting := ""
	if c.State.Waiting != nil {
		waiting = c.State.Waiting.Reason
	}
	switch waiting {
	case "", "ContainerCreating", "PodInitializing", status.ReasonCrashLoopBackOff, status.ReasonRunContainerError:
		if end != nil {
			return endReason(end), new(end.ExitCode), true
		}
		return waiting, nil, waiting == status.ReasonCrashLoopBackOff || waiting == status.ReasonRunContainerError
	case "ErrImagePull", status.ReasonImagePullBackOff:
		return status.ReasonImagePullBackOff, nil, true
	default:
		return waiting, nil, true
	}
}

func endReason(end *corev1.ContainerStateTerminated) string {
	switch end.Reason {
	case status.ReasonOOMKilled:
		return status.ReasonOOMKilled
	case "StartError", "ContainerCannotRun":
		return status.ReasonRunContainerError
	default:
		return status.ReasonCrashLoopBackOff
	}
}

func diagnostic(pod componentPod, container, reason string, exitCode *int32) status.ComponentDiagnostic {
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	return status.ComponentDiagnostic{
		Component: pod.component,
		Diagnostic: v1alpha1.Diagnostic{
			Pod:       pod.Name,
			Container: container,
			Reason:    reason,
			ExitCode:  exitCode,
			Next:      next(pod, container, reason),
		},
	}
}
