package apply_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// The search engine's StatefulSet leaves the replacement of its pod to us.
func TestOutdatedPodOfTheSearchEngineIsReplaced(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		revision string
		owned    bool
		replaced bool
	}{
		"of the latest revision": {"new", true, false},
		"of an earlier revision": {"old", true, true},
		"of somebody else's":     {"old", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			state := w.settled()
			uid := w.markRevision("papers-opensearch", "new")
			if !test.owned {
				uid = "another"
			}
			pod := w.createPod("papers-opensearch", uid, test.revision)
			changes := w.apply(state)
			if got := len(changes.Replaced) == 1; got != test.replaced {
				t.Errorf("changes %+v, replaced want %v", changes, test.replaced)
			}
			if w.exists(&corev1.Pod{}, pod.GetName()) == test.replaced {
				t.Errorf("the pod exists: %v", !test.replaced)
			}
		})
	}
}

// createPod makes the first pod of a StatefulSet, as its controller would.
func (w *world) createPod(set string, owner types.UID, revision string) client.Object {
	w.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:   set + "-0",
			Labels: desired.Labels("papers", desired.ComponentOpenSearch),
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "StatefulSet", Name: set, UID: owner, Controller: new(true),
			}},
		},
		Spec: corev1.PodSpec{
			ServiceAccountName: set, Containers: []corev1.Container{{Name: "opensearch", Image: "opensearch"}},
		},
	}
	pod.Labels["controller-revision-hash"] = revision
	w.create(pod)
	w.cached(pod)
	return pod
}
