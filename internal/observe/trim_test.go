package observe

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

func TestTrimPodKeepsWhatIsRead(t *testing.T) {
	t.Parallel()
	whole := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "papers-server-x", Namespace: "library", UID: "u", ResourceVersion: "7",
			Labels:          map[string]string{"a": "b"},
			Annotations:     map[string]string{"kubernetes.io/config": "long"},
			OwnerReferences: []metav1.OwnerReference{{UID: "o", Controller: new(true)}},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "server", Env: []corev1.EnvVar{{Name: "PASSWORD", Value: "secret"}},
		}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.1", HostIP: "192.0.2.1",
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, Message: "long"}},
			ContainerStatuses: []corev1.ContainerStatus{{
				Name: "server", State: waiting("CrashLoopBackOff"), LastTerminationState: ended("OOMKilled", 137), ImageID: "long",
			}},
		},
	}
	out, err := TrimPod(whole)
	if err != nil {
		t.Fatal(err)
	}
	trimmed := out.(*corev1.Pod)
	if len(trimmed.Spec.Containers) > 0 || len(trimmed.Annotations) > 0 {
		t.Errorf("trimmed pod keeps spec or annotations: %+v", trimmed)
	}
	if diff := cmp.Diff(whole.OwnerReferences, trimmed.OwnerReferences); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
	wantAddress, _ := runningAddress(whole)
	if address, runs := runningAddress(trimmed); address != wantAddress || !runs || isReady(trimmed) != isReady(whole) {
		t.Errorf("address %s runs %t ready %t, want %s true %t", address, runs, isReady(trimmed), wantAddress, isReady(whole))
	}
	want, _ := diagnose([]componentPod{{desired.ComponentServer, whole}}, now)
	got, _ := diagnose([]componentPod{{desired.ComponentServer, trimmed}}, now)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("diagnostics (-whole +trimmed):\n%s", diff)
	}
}

func TestRunningAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, pod, host string
		ready           corev1.ConditionStatus
		want            bool
	}{
		{"ready", "10.1.2.3", "192.0.2.1", corev1.ConditionTrue, true},
		{"ready, IPv6", "fd00::1", "fd00::2", corev1.ConditionTrue, true},
		{"not ready", "10.1.2.3", "192.0.2.1", corev1.ConditionFalse, true},
		{"no address yet", "", "192.0.2.1", corev1.ConditionTrue, false},
		{"in the node's network", "192.0.2.1", "192.0.2.1", corev1.ConditionTrue, false},
		{"this host", "127.0.0.1", "192.0.2.1", corev1.ConditionTrue, false},
		{"this host, mapped", "::ffff:127.0.0.1", "192.0.2.1", corev1.ConditionTrue, false},
		{"metadata of a cloud", "169.254.169.254", "192.0.2.1", corev1.ConditionTrue, false},
		{"link-local, IPv6", "fe80::1", "192.0.2.1", corev1.ConditionTrue, false},
		{"not an address", "metadata.internal", "192.0.2.1", corev1.ConditionTrue, false},
	} {
		pod := &corev1.Pod{Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: c.pod, HostIP: c.host,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: c.ready}},
		}}
		if _, got := runningAddress(pod); got != c.want {
			t.Errorf("%s: asked %t, want %t", c.name, got, c.want)
		}
	}
}
