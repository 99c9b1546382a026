package gather_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

func TestNodesOfOpenSearch(t *testing.T) {
	t.Parallel()
	w := newFullWorld(t)
	if diff := cmp.Diff(desired.Nodes{}, w.gather().OpenSearch); diff != "" {
		t.Errorf("without a StatefulSet (-want +got):\n%s", diff)
	}
	set := w.createStatefulSet()
	ready := w.createNode("papers-opensearch-1", set.UID, "new", corev1.ConditionTrue)
	unready := w.createNode("papers-opensearch-0", set.UID, "old", corev1.ConditionFalse)
	w.createNode("theirs", "another", "old", corev1.ConditionTrue)
	want := desired.Nodes{Wanted: 2, Pods: []desired.Node{
		{Name: unready.Name, UID: unready.UID, Revision: "old"},
		{Name: ready.Name, UID: ready.UID, Revision: "new", Ready: true},
	}}
	if diff := cmp.Diff(want, w.gather().OpenSearch); diff != "" {
		t.Errorf("before its controller has seen it (-want +got):\n%s", diff)
	}

	set.Status.ObservedGeneration, set.Status.UpdateRevision = set.Generation, "new"
	if err := w.client.Status().Update(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	want.Revision = "new"
	if diff := cmp.Diff(want, w.gather().OpenSearch); diff != "" {
		t.Errorf("after it has (-want +got):\n%s", diff)
	}

	// The pods of a StatefulSet that another RAGService left are not ours to replace.
	w.rag.UID = "5c6d7e8f-0000-4000-8000-000000000002"
	if diff := cmp.Diff(desired.Nodes{}, w.gather().OpenSearch); diff != "" {
		t.Errorf("of another RAGService (-want +got):\n%s", diff)
	}
}

// createStatefulSet makes OpenSearch's, for two nodes.
func (w *world) createStatefulSet() *appsv1.StatefulSet {
	w.t.Helper()
	labels := desired.Labels(w.rag.Name, desired.ComponentOpenSearch)
	set := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.rag.Namespace, Name: "papers-opensearch", Labels: labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(w.rag, v1alpha1.GroupVersion.WithKind(desired.Kind))},
		},
		Spec: appsv1.StatefulSetSpec{
			Replicas: new(int32(2)),
			Selector: &metav1.LabelSelector{MatchLabels: desired.Selector(w.rag.Name, desired.ComponentOpenSearch)},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: nodeSpec()},
		},
	}
	w.make(set)
	return set
}

// createNode makes a pod as a StatefulSet's controller and a kubelet would.
func (w *world) createNode(name string, owner types.UID, revision string, ready corev1.ConditionStatus) *corev1.Pod {
	w.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.rag.Namespace, Name: name, Labels: desired.Labels(w.rag.Name, desired.ComponentOpenSearch),
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "StatefulSet", Name: "papers-opensearch", UID: owner, Controller: new(true),
			}},
		},
		Spec: nodeSpec(),
	}
	pod.Labels[appsv1.ControllerRevisionHashLabelKey] = revision
	w.make(pod)
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}
	if err := w.client.Status().Update(w.t.Context(), pod); err != nil {
		w.t.Fatal(err)
	}
	return pod
}

func nodeSpec() corev1.PodSpec {
	return corev1.PodSpec{
		AutomountServiceAccountToken: new(false), Containers: []corev1.Container{{Name: "opensearch", Image: "opensearch"}},
	}
}

func (w *world) make(object client.Object) {
	w.t.Helper()
	if err := w.client.Create(w.t.Context(), object); err != nil {
		w.t.Fatal(err)
	}
}
