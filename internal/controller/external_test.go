package controller_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// TestAnExternalRedisTakesOver, and gives way again: the managed one goes when no server uses it.
func TestAnExternalRedisTakesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service()
	servers := w.ready(rag)
	var deployment appsv1.Deployment
	var cache, state appsv1.StatefulSet
	w.awaits(rag, desired.ComponentServer, &deployment)
	w.awaits(rag, desired.ComponentRedisCache, &cache)
	w.awaits(rag, desired.ComponentRedisState, &state)
	before := deployment.Spec.Template.Annotations[desired.AnnotationStartHash]

	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) {
		s.Redis.External = &v1alpha1.ExternalRedis{RedisConnection: v1alpha1.RedisConnection{Addresses: []v1alpha1.RedisAddress{"redis.stores.svc:6379"}}}
	})
	w.eventuallyShows(rag, map[string]string{"ConfigApplied": "False/Propagating"})
	w.awaits(rag, desired.ComponentServer, &deployment)
	if deployment.Spec.Template.Annotations[desired.AnnotationStartHash] == before {
		t.Fatal("the servers do not roll")
	}
	for _, set := range []*appsv1.StatefulSet{&cache, &state} {
		w.must(w.Get(t.Context(), client.ObjectKeyFromObject(set), set))
		if !set.DeletionTimestamp.IsZero() {
			t.Errorf("%s is deleted while servers use it", set.Name)
		}
	}
	for _, s := range servers {
		s.runs(rag.Status.ConfigHash)
	}
	w.reportServers(&deployment, 2)
	w.eventually(func() string {
		for _, set := range []*appsv1.StatefulSet{&cache, &state} {
			if err := w.Get(t.Context(), client.ObjectKeyFromObject(set), set); !apierrors.IsNotFound(err) {
				return set.Name + " is still there"
			}
		}
		return ""
	})
	w.eventuallyShows(rag, map[string]string{"RedisReady": "True/Available", "Ready": "True/Ready"})

	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.Redis.External = nil })
	w.awaits(rag, desired.ComponentRedisCache, &cache)
	w.awaits(rag, desired.ComponentRedisState, &state)
}

// TestAnExternalOpenSearchTakesOver: the managed one goes when no server uses it, its volume stays, and comes back with it.
func TestAnExternalOpenSearchTakesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service()
	servers := w.ready(rag)
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "data-papers-opensearch-0", Labels: desired.Labels("papers", desired.ComponentOpenSearch)},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("10Gi")}},
		},
	}
	w.must(w.Create(t.Context(), claim)) // as the StatefulSet's controller does
	var deployment appsv1.Deployment
	var set appsv1.StatefulSet
	w.awaits(rag, desired.ComponentServer, &deployment)
	w.awaits(rag, desired.ComponentOpenSearch, &set)
	before := deployment.Spec.Template.Annotations[desired.AnnotationStartHash]

	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) {
		s.OpenSearch.External = &v1alpha1.ExternalOpenSearch{URLs: []v1alpha1.OpenSearchURL{"http://search.stores.svc:9200"}}
	})
	w.eventuallyShows(rag, map[string]string{"ConfigApplied": "False/Propagating"})
	w.awaits(rag, desired.ComponentServer, &deployment)
	if deployment.Spec.Template.Annotations[desired.AnnotationStartHash] == before {
		t.Fatal("the servers do not roll")
	}
	if w.awaits(rag, desired.ComponentOpenSearch, &set); !set.DeletionTimestamp.IsZero() {
		t.Error("the managed OpenSearch is deleted while servers use it")
	}
	for _, s := range servers {
		s.runs(rag.Status.ConfigHash)
	}
	w.reportServers(&deployment, 2)
	w.eventually(func() string {
		if err := w.Get(t.Context(), client.ObjectKeyFromObject(&set), &set); !apierrors.IsNotFound(err) {
			return "the managed OpenSearch is still there"
		}
		return ""
	})
	w.eventuallyShows(rag, map[string]string{"OpenSearchReady": "True/VolumeKept", "Ready": "True/Ready"})
	w.eventuallyTells("VolumeKept")
	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(claim), claim))
	if !claim.DeletionTimestamp.IsZero() {
		t.Error("the volume claim is deleted")
	}

	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.OpenSearch.External = nil })
	w.awaits(rag, desired.ComponentOpenSearch, &set)
}
