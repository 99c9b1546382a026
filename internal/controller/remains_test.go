package controller_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// made are all objects that the operator made for a RAGService.
func (w *world) made(rag *v1alpha1.RAGService) []client.Object {
	w.t.Helper()
	var all []client.Object
	for _, kind := range append(apply.Kinds(), &corev1.Secret{}) {
		gvk, err := w.GroupVersionKindFor(kind)
		w.must(err)
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(gvk)
		w.must(w.List(w.t.Context(), list, client.InNamespace(rag.Namespace), client.MatchingLabels(desired.ServiceLabels(rag.Name))))
		for i := range list.Items {
			list.Items[i].SetGroupVersionKind(gvk)
			all = append(all, &list.Items[i])
		}
	}
	return all
}

// orphan does what the garbage collector does for kubectl delete --cascade=orphan.
func (w *world) orphan(rag *v1alpha1.RAGService) {
	w.t.Helper()
	for _, object := range w.made(rag) {
		before := object.DeepCopyObject().(client.Object)
		object.SetOwnerReferences(nil)
		w.must(w.Patch(w.t.Context(), object, client.MergeFrom(before)))
	}
	w.must(w.Delete(w.t.Context(), rag))
}

// letGo takes away the finalizer by which the garbage collector keeps what is deleted alone until its pods are orphans.
func (w *world) letGo(rag *v1alpha1.RAGService) {
	w.t.Helper()
	var sets appsv1.StatefulSetList
	w.must(w.List(w.t.Context(), &sets, client.InNamespace(rag.Namespace)))
	for i := range sets.Items {
		set := &sets.Items[i]
		if set.DeletionTimestamp != nil && slices.Contains(set.Finalizers, metav1.FinalizerOrphanDependents) {
			before := set.DeepCopy()
			set.Finalizers = nil
			w.must(client.IgnoreNotFound(w.Patch(w.t.Context(), set, client.MergeFrom(before))))
		}
	}
}

func (w *world) callersKeys(rag *v1alpha1.RAGService) *corev1.Secret {
	w.t.Helper()
	secret := &corev1.Secret{}
	w.must(w.Get(w.t.Context(), client.ObjectKey{Namespace: rag.Namespace, Name: desired.APIKeysSecretName(rag)}, secret))
	return secret
}

func TestWhatAnEarlierServiceLeftBehindIsTakenOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	rag := w.service()
	w.ready(rag)
	keys := w.callersKeys(rag)
	o.stop()
	w.orphan(rag)

	again := w.service()
	w.must(w.Create(t.Context(), again))
	w.startOperator()
	w.eventually(func() string {
		w.letGo(again)
		w.must(w.Get(t.Context(), client.ObjectKeyFromObject(again), again))
		for _, c := range again.Status.Conditions {
			if c.Type == v1alpha1.ConditionStalled {
				t.Fatalf("it waits for a person: %s", c.Message)
			}
		}
		kinds := map[string]int{}
		for _, object := range w.made(again) {
			kinds[object.GetObjectKind().GroupVersionKind().Kind]++
			if by := metav1.GetControllerOf(object); object.GetName() != keys.Name && (by == nil || by.UID != again.UID) {
				return object.GetObjectKind().GroupVersionKind().Kind + " " + object.GetName() + " is not controlled by the new RAGService"
			}
		}
		if kinds["StatefulSet"] != 3 || kinds["Secret"] != 3 || kinds["Deployment"] != 1 {
			return "not everything is there"
		}
		return ""
	})
	if diff := cmp.Diff(keys.Data, w.callersKeys(again).Data); diff != "" {
		t.Error("callers need new keys")
	}
}

func TestKeysAndVolumesFollowTheDeletionPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service()
	w.ready(rag)
	keys, claim := w.callersKeys(rag), w.claim(rag)
	for _, step := range []struct {
		policy v1alpha1.DeletionPolicy
		owned  bool
	}{{v1alpha1.DeletionPolicyRetain, false}, {v1alpha1.DeletionPolicyDelete, true}, {v1alpha1.DeletionPolicyRetain, false}} {
		w.must(w.Get(t.Context(), client.ObjectKeyFromObject(rag), rag))
		w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.DeletionPolicy = step.policy })
		w.eventually(func() string {
			if metav1.IsControlledBy(w.callersKeys(rag), rag) != step.owned {
				return string(step.policy) + ": the keys do not follow"
			}
			w.must(w.Get(t.Context(), client.ObjectKeyFromObject(claim), claim))
			if (len(claim.OwnerReferences) > 0) != step.owned {
				return string(step.policy) + ": the volume does not follow"
			}
			return ""
		})
	}
	if diff := cmp.Diff(keys.Data, w.callersKeys(rag).Data); diff != "" {
		t.Error("the keys changed")
	}
}

// Secrets that the garbage collector is about to delete are waited for, and not taken for somebody else's.
func TestSecretsOfAnEarlierServiceAreWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	rag := w.service(func(s *v1alpha1.RAGServiceSpec) { s.DeletionPolicy = v1alpha1.DeletionPolicyDelete })
	w.ready(rag)
	o.stop()
	w.must(w.Delete(t.Context(), rag))
	earlier := w.made(rag)

	again := w.service()
	w.must(w.Create(t.Context(), again))
	w.startOperator()
	w.eventuallyShows(again, map[string]string{"Stalled": "", "Ready": "False/Progressing"})
	for _, object := range earlier {
		w.must(w.Delete(t.Context(), object))
	}
	w.eventually(func() string {
		for _, object := range w.made(again) {
			if by := metav1.GetControllerOf(object); by != nil && by.UID != again.UID {
				return object.GetName() + " is of the earlier one"
			}
		}
		if len(w.made(again)) < len(earlier) {
			return "not everything was made again"
		}
		return ""
	})
}
