package observe

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

var now = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func waiting(reason string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
}

func ended(reason string, code int32) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: reason, ExitCode: code}}
}

var runningState = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}

func TestContainerFaults(t *testing.T) {
	t.Parallel()
	const pod = "kubectl -n library describe pod papers-server-x"
	for _, c := range []struct {
		name   string
		status corev1.ContainerStatus
		// want is the reason, or nothing when all is well.
		want string
		exit *int32
		next string
	}{
		{"starting", corev1.ContainerStatus{State: waiting("ContainerCreating")}, "", nil, ""},
		{"running, not ready yet", corev1.ContainerStatus{State: runningState}, "", nil, ""},
		{"pull fails", corev1.ContainerStatus{State: waiting("ErrImagePull")}, "ImagePullBackOff", nil, pod + "; check spec.server.image"},
		{"pull waits", corev1.ContainerStatus{State: waiting("ImagePullBackOff")}, "ImagePullBackOff", nil, pod + "; check spec.server.image"},
		{"bad name", corev1.ContainerStatus{State: waiting("InvalidImageName")}, "InvalidImageName", nil, pod + "; check spec.server.image"},
		{"missing ConfigMap", corev1.ContainerStatus{State: waiting("CreateContainerConfigError")}, "CreateContainerConfigError", nil, pod},
		{
			"ended", corev1.ContainerStatus{State: ended("Error", 1)}, "CrashLoopBackOff", new(int32(1)),
			"kubectl -n library logs papers-server-x -c server --previous",
		},
		{
			"waits after an end", corev1.ContainerStatus{State: waiting("CrashLoopBackOff"), LastTerminationState: ended("Error", 1)},
			"CrashLoopBackOff", new(int32(1)), "kubectl -n library logs papers-server-x -c server --previous",
		},
		{
			"runs again, not ready yet", corev1.ContainerStatus{State: runningState, LastTerminationState: ended("Error", 1)},
			"CrashLoopBackOff", new(int32(1)), "kubectl -n library logs papers-server-x -c server --previous",
		},
		{"ready again", corev1.ContainerStatus{Ready: true, State: runningState, LastTerminationState: ended("Error", 1)}, "", nil, ""},
		{
			"too little memory", corev1.ContainerStatus{State: waiting("CrashLoopBackOff"), LastTerminationState: ended("OOMKilled", 137)},
			"OOMKilled", new(int32(137)), "raise the memory limit in spec.server.resources",
		},
		{
			"no such program", corev1.ContainerStatus{State: waiting("CrashLoopBackOff"), LastTerminationState: ended("StartError", 128)},
			"RunContainerError", new(int32(128)), pod,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.status.Name = "server"
			p := serverPod(corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{c.status}})
			var want []status.ComponentDiagnostic
			if c.want != "" {
				want = []status.ComponentDiagnostic{diagnostic(p, "server", c.want, c.exit)}
				want[0].Next = c.next
			}
			got, _ := diagnose([]componentPod{p}, now)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPodFaults(t *testing.T) {
	t.Parallel()
	crash := corev1.ContainerStatus{Name: "server", State: waiting("CrashLoopBackOff"), LastTerminationState: ended("Error", 1)}
	unschedulable := func(since time.Duration) corev1.PodStatus {
		return corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
			LastTransitionTime: metav1.NewTime(now.Add(-since)),
		}}}
	}
	going := serverPod(corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{crash}})
	going.DeletionTimestamp = &metav1.Time{Time: now}
	gone := serverPod(corev1.PodStatus{Phase: corev1.PodRunning})
	gone.DeletionTimestamp = &metav1.Time{Time: now.Add(-endGrace)}
	onNode := func(reason string) componentPod {
		return serverPod(corev1.PodStatus{
			Phase:             corev1.PodRunning,
			Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: reason}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "server", Ready: true, State: runningState}},
		})
	}
	for _, c := range []struct {
		name    string
		pod     componentPod
		want    []string
		recheck time.Duration
	}{
		{"no node", serverPod(unschedulable(time.Minute)), []string{"/Unschedulable"}, 0},
		{"perhaps no volume yet", serverPod(unschedulable(4 * time.Second)), nil, 6 * time.Second},
		{"going", going, nil, endGrace},
		{"not ended by its node", gone, []string{"/NodeLost"}, 0},
		{"the node is silent", onNode(""), []string{"/NodeLost"}, 0},
		{"a readiness gate is shut", onNode("ReadinessGatesNotReady"), nil, 0},
		{"evicted", serverPod(corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{crash}}), nil, 0},
		{"init container fails", serverPod(corev1.PodStatus{
			InitContainerStatuses: []corev1.ContainerStatus{{Name: "configure", State: waiting("CrashLoopBackOff"), LastTerminationState: ended("Error", 2)}},
			ContainerStatuses:     []corev1.ContainerStatus{{Name: "server", State: waiting("PodInitializing")}},
		}), []string{"configure/CrashLoopBackOff"}, 0},
		{"init container has done its work", serverPod(corev1.PodStatus{
			InitContainerStatuses: []corev1.ContainerStatus{{Name: "configure", State: ended("Completed", 0)}},
			ContainerStatuses:     []corev1.ContainerStatus{{Name: "server", State: runningState}},
		}), nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found, recheck := diagnose([]componentPod{c.pod}, now)
			var got []string
			for _, d := range found {
				got = append(got, d.Container+"/"+d.Reason)
			}
			if diff := cmp.Diff(c.want, got); diff != "" || recheck != c.recheck {
				t.Errorf("recheck %s, want %s; found (-want +got):\n%s", recheck, c.recheck, diff)
			}
		})
	}
}

func TestRecheckIsTheSoonest(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var pods []componentPod
	for _, since := range []time.Duration{4 * time.Second, 7 * time.Second, time.Minute, time.Second} {
		pods = append(pods, serverPod(corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
			LastTransitionTime: metav1.NewTime(now.Add(-since)),
		}}}))
	}
	if _, recheck := diagnose(pods, now); recheck != 3*time.Second {
		t.Errorf("recheck %s, want 3s: the first of three that may only be waiting", recheck)
	}
}

func serverPod(status corev1.PodStatus) componentPod {
	return componentPod{desired.ComponentServer, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "library", Name: "papers-server-x"}, Status: status,
	}}
}
