package gather

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// openSearch reads what runs of OpenSearch, from the cache: its StatefulSet and that one's pods, sorted by name.
func (g *Gatherer) openSearch(ctx context.Context, rag *v1alpha1.RAGService) (desired.Nodes, error) {
	var set appsv1.StatefulSet
	key := client.ObjectKey{Namespace: rag.Namespace, Name: desired.Name(rag.Name, desired.ComponentOpenSearch)}
	if err := g.cache.Get(ctx, key, &set); err != nil {
		if client.IgnoreNotFound(err) == nil {
			return desired.Nodes{}, nil
		}
		return desired.Nodes{}, fmt.Errorf("reading OpenSearch's StatefulSet: %w", err)
	}
	if !metav1.IsControlledBy(&set, rag) {
		return desired.Nodes{}, nil
	}
	nodes := desired.Nodes{Wanted: ptr.Deref(set.Spec.Replicas, 1)}
	if set.Status.ObservedGeneration >= set.Generation {
		nodes.Revision = set.Status.UpdateRevision
	}
	var pods corev1.PodList
	err := g.cache.List(ctx, &pods, client.InNamespace(rag.Namespace),
		client.MatchingLabels(desired.Selector(rag.Name, desired.ComponentOpenSearch)))
	if err != nil {
		return desired.Nodes{}, fmt.Errorf("reading OpenSearch's pods: %w", err)
	}
	for i := range pods.Items {
		if pod := &pods.Items[i]; metav1.IsControlledBy(pod, &set) {
			nodes.Pods = append(nodes.Pods, desired.Node{
				Name: pod.Name, UID: pod.UID, Revision: pod.Labels[appsv1.ControllerRevisionHashLabelKey],
				Ready: isReady(pod), Deleting: pod.DeletionTimestamp != nil,
			})
		}
	}
	slices.SortFunc(nodes.Pods, func(a, b desired.Node) int { return strings.Compare(a.Name, b.Name) })
	return nodes, nil
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
