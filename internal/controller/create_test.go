package controller_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
)

// children are "Kind name" of all objects that the RAGService controls.
func (w *world) children(rag *v1alpha1.RAGService) []string {
	w.t.Helper()
	kinds := []schema.GroupVersionKind{corev1.SchemeGroupVersion.WithKind("Secret")}
	for _, kind := range apply.Kinds() {
		gvk, err := apiutil.GVKForObject(kind, w.Scheme())
		w.must(err)
		kinds = append(kinds, gvk)
	}
	var found []string
	for _, gvk := range kinds {
		var list metav1.PartialObjectMetadataList
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		w.must(w.List(w.t.Context(), &list, client.InNamespace(w.namespace)))
		for i := range list.Items {
			if by := metav1.GetControllerOfNoCopy(&list.Items[i]); by != nil && by.UID == rag.UID {
				found = append(found, gvk.Kind+" "+list.Items[i].Name)
			}
		}
	}
	slices.Sort(found)
	return found
}

func TestSmallestServiceBecomesAllItsChildren(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service()
	w.ready(rag)

	want := []string{
		"ConfigMap papers-alert-rules", "ConfigMap papers-opensearch", "ConfigMap papers-redis-cache", "ConfigMap papers-redis-state", "ConfigMap papers-server",
		"Deployment papers-server",
		"NetworkPolicy papers-opensearch", "NetworkPolicy papers-redis-cache", "NetworkPolicy papers-redis-state", "NetworkPolicy papers-server",
		"PodDisruptionBudget papers-opensearch", "PodDisruptionBudget papers-redis-cache", "PodDisruptionBudget papers-redis-state", "PodDisruptionBudget papers-server",
		"Secret papers-hash-keys", "Secret papers-redis",
		"Service papers-metrics", "Service papers-opensearch", "Service papers-opensearch-headless", "Service papers-redis-cache", "Service papers-redis-state", "Service papers-server",
		"ServiceAccount papers-opensearch", "ServiceAccount papers-redis-cache", "ServiceAccount papers-redis-state", "ServiceAccount papers-server",
		"StatefulSet papers-opensearch", "StatefulSet papers-redis-cache", "StatefulSet papers-redis-state",
	}
	if diff := cmp.Diff(want, w.children(rag)); diff != "" {
		t.Errorf("children (-want +got):\n%s", diff)
	}
	wantConditions := map[string]string{
		"Ready": "True/Ready", "SecretsResolved": "True/Resolved", "RedisReady": "True/Available", "OpenSearchReady": "True/Available",
		"ModelsReady": "True/NotConfigured", "ServerReady": "True/Available", "ConfigApplied": "True/Applied",
		"CacheEffective": "True/Effective", "AlertsClear": "Unknown/WarmingUp", "SnapshotsReady": "True/NotConfigured", "MonitoringReady": "True/NotConfigured",
		"BudgetWithinLimit": "True/NotConfigured",
	}
	if diff := cmp.Diff(wantConditions, outcomes(rag)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	for _, c := range rag.Status.Conditions {
		if c.ObservedGeneration != rag.Generation {
			t.Errorf("%s is of generation %d, want %d", c.Type, c.ObservedGeneration, rag.Generation)
		}
	}
	if got := *rag.Status.Cache.HitRatePercent; got != 70 {
		t.Errorf("hit rate %d, want what the servers say: 70", got)
	}
	if *rag.Status.ReadyReplicas != 2 || rag.Status.Endpoint != "http://papers-server."+w.namespace+".svc" || rag.Status.Selector == "" {
		t.Errorf("status %+v", rag.Status)
	}
}

func TestFirstStatusHasEveryCondition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	watch, err := client.NewWithWatch(w.config, client.Options{Scheme: w.Scheme()})
	w.must(err)
	seen, err := watch.Watch(t.Context(), &v1alpha1.RAGServiceList{}, client.InNamespace(w.namespace))
	w.must(err)
	defer seen.Stop()
	w.startOperator()
	w.must(w.Create(t.Context(), w.service()))
	for event := range seen.ResultChan() {
		rag, ok := event.Object.(*v1alpha1.RAGService)
		if !ok || len(rag.Status.Conditions) == 0 {
			continue
		}
		if n := len(rag.Status.Conditions); n != 13 { // the twelve, and Reconciling
			t.Errorf("the first status has %d conditions: %s", n, render(outcomes(rag)))
		}
		return
	}
	t.Fatal("the watch ended without a status")
}

func TestAnObjectOfSomebodyElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	foreign := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "papers-server"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 9}}},
	}
	w.must(w.Create(t.Context(), foreign))
	w.startOperator()
	rag := w.service()
	w.must(w.Create(t.Context(), rag))
	w.eventuallyShows(rag, map[string]string{
		"ServerReady": "False/NameConflict", "Ready": "False/NameConflict", "Stalled": "True/NameConflict",
	})
	var after corev1.Service
	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(foreign), &after))
	if after.ResourceVersion != foreign.ResourceVersion {
		t.Errorf("it was written to: %+v", after)
	}
}
