package apply_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// A pod is deleted by its UID: one that took its name since is another.
func TestPodIsDeletedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := w.settled()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "papers-opensearch-0", Labels: desired.Labels("papers", desired.ComponentOpenSearch),
		},
		Spec: corev1.PodSpec{
			ServiceAccountName: "papers-opensearch", Containers: []corev1.Container{{Name: "opensearch", Image: "opensearch"}},
		},
	}
	w.create(pod)
	ref := apply.Ref{Component: desired.ComponentOpenSearch, Kind: "Pod", Name: pod.Name}
	for _, step := range []struct {
		name   string
		uid    string
		want   []apply.Ref
		exists bool
	}{
		{"of another UID", "another", nil, true},
		{"of this UID", string(pod.UID), []apply.Ref{ref}, false},
		{"that is gone", string(pod.UID), nil, false},
	} {
		plan.Actions = []desired.Action{desired.DeletePod{Component: desired.ComponentOpenSearch, Name: pod.Name, UID: types.UID(step.uid)}}
		if diff := cmp.Diff(apply.ChangeSet{Replaced: step.want}, w.apply(plan)); diff != "" {
			t.Errorf("a pod %s: changes (-want +got):\n%s", step.name, diff)
		}
		if got := w.exists(&corev1.Pod{}, pod.Name); got != step.exists {
			t.Errorf("a pod %s: exists %v, want %v", step.name, got, step.exists)
		}
	}
}
