package desired

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// schedule says which nodes a pod of p may run on: what the spec gives, and where it leaves that open, a node and a zone for each pod
// of a revision if there are enough of them.
func schedule(p part, given v1alpha1.SchedulingSpec, pod *corev1ac.PodSpecApplyConfiguration) error {
	if err := place(given, pod); err != nil {
		return err
	}
	constraints, err := configsOf[corev1ac.TopologySpreadConstraintApplyConfiguration](given.TopologySpreadConstraints)
	if err != nil {
		return fieldError("topologySpreadConstraints", err)
	}
	for _, c := range constraints {
		if c.LabelSelector == nil { // which would count no pod at all
			c.WithLabelSelector(ownPods(p))
		}
	}
	affinity := corev1ac.Affinity()
	if given.Affinity != nil {
		if affinity, err = configOf[corev1ac.AffinityApplyConfiguration](given.Affinity); err != nil {
			return fieldError("affinity", err)
		}
	}
	if len(constraints) == 0 {
		constraints = append(constraints, spreadOverNodes(p))
		if affinity.PodAntiAffinity == nil {
			affinity.WithPodAntiAffinity(spreadOverZones(p))
		}
	}
	if *affinity != (corev1ac.AffinityApplyConfiguration{}) {
		pod.WithAffinity(affinity)
	}
	pod.WithTopologySpreadConstraints(constraints...)
	return nil
}

// place says which nodes a pod may run on, whatever runs there.
func place(given v1alpha1.SchedulingSpec, pod *corev1ac.PodSpecApplyConfiguration) error {
	if len(given.NodeSelector) > 0 {
		pod.WithNodeSelector(given.NodeSelector)
	}
	if given.PriorityClassName != "" {
		pod.WithPriorityClassName(given.PriorityClassName)
	}
	tolerations, err := configsOf[corev1ac.TolerationApplyConfiguration](given.Tolerations)
	if err != nil {
		return fieldError("tolerations", err)
	}
	pod.WithTolerations(tolerations...)
	if given.Affinity != nil && given.Affinity.NodeAffinity != nil {
		affinity, err := configOf[corev1ac.NodeAffinityApplyConfiguration](given.Affinity.NodeAffinity)
		if err != nil {
			return fieldError("affinity.nodeAffinity", err)
		}
		pod.WithAffinity(corev1ac.Affinity().WithNodeAffinity(affinity))
	}
	return nil
}

// spreadOverNodes prefers a node for each pod of a revision; a cluster of one node still takes all of them.
func spreadOverNodes(p part) *corev1ac.TopologySpreadConstraintApplyConfiguration {
	return corev1ac.TopologySpreadConstraint().
		WithTopologyKey(corev1.LabelHostname).
		WithMaxSkew(1).
		WithWhenUnsatisfiable(corev1.ScheduleAnyway).
		WithLabelSelector(ownPods(p)).
		WithMatchLabelKeys(revisionLabel)
}

// spreadOverZones prefers the zone with the fewest pods of the revision. It is no topology spread constraint: the scheduler ignores
// every node that lacks one of the labels that constraints name, so that nodes without zones would not be spread over either.
func spreadOverZones(p part) *corev1ac.PodAntiAffinityApplyConfiguration {
	return corev1ac.PodAntiAffinity().WithPreferredDuringSchedulingIgnoredDuringExecution(
		corev1ac.WeightedPodAffinityTerm().WithWeight(100).WithPodAffinityTerm(corev1ac.PodAffinityTerm().
			WithTopologyKey(corev1.LabelTopologyZone).
			WithLabelSelector(ownPods(p)).
			WithMatchLabelKeys(revisionLabel)))
}

// revisionLabel is what a Deployment tells the pods of its revisions apart by.
const revisionLabel = "pod-template-hash"

func ownPods(p part) *metav1ac.LabelSelectorApplyConfiguration {
	return metav1ac.LabelSelector().WithMatchLabels(p.selector())
}

// configOf is a core type as apply configurations have it: both have the same form in JSON.
func configOf[T any](core any) (*T, error) {
	data, err := json.Marshal(core)
	if err != nil {
		return nil, err
	}
	config := new(T)
	return config, json.Unmarshal(data, config)
}

func configsOf[T, C any](core []C) ([]*T, error) {
	var configs []*T
	for _, each := range core {
		config, err := configOf[T](each)
		if err != nil {
			return nil, err
		}
		configs = append(configs, config)
	}
	return configs, nil
}
