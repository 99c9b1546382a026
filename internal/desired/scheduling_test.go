package desired_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

// What the spec gives takes the place of the spread that there is without it, and is otherwise passed on as it is.
func TestSpread(t *testing.T) {
	t.Parallel()
	own := &metav1.LabelSelector{MatchLabels: desired.Selector("papers", desired.ComponentServer)}
	revision := []string{"pod-template-hash"}
	overNodes := []corev1.TopologySpreadConstraint{{
		TopologyKey: corev1.LabelHostname, MaxSkew: 1, WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: own, MatchLabelKeys: revision,
	}}
	overZones := &corev1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
		Weight: 100, PodAffinityTerm: corev1.PodAffinityTerm{TopologyKey: corev1.LabelTopologyZone, LabelSelector: own, MatchLabelKeys: revision},
	}}}
	nodes := &corev1.NodeAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 1}}}
	apart := &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: "rack"}}}
	others := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "other"}}
	racks := corev1.TopologySpreadConstraint{TopologyKey: "rack", MaxSkew: 2, WhenUnsatisfiable: corev1.DoNotSchedule}
	near := corev1.TopologySpreadConstraint{TopologyKey: "zone", MaxSkew: 1, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: others}
	ownRacks := racks
	ownRacks.LabelSelector = own
	for _, tt := range []struct {
		name     string
		given    v1alpha1.SchedulingSpec
		spread   []corev1.TopologySpreadConstraint
		affinity *corev1.Affinity
	}{
		{"nothing", v1alpha1.SchedulingSpec{}, overNodes, &corev1.Affinity{PodAntiAffinity: overZones}},
		{"nodes", v1alpha1.SchedulingSpec{Affinity: &corev1.Affinity{NodeAffinity: nodes}}, overNodes, &corev1.Affinity{NodeAffinity: nodes, PodAntiAffinity: overZones}},
		{"other pods", v1alpha1.SchedulingSpec{Affinity: &corev1.Affinity{PodAntiAffinity: apart}}, overNodes, &corev1.Affinity{PodAntiAffinity: apart}},
		{
			"constraints", v1alpha1.SchedulingSpec{TopologySpreadConstraints: []corev1.TopologySpreadConstraint{racks, near}},
			[]corev1.TopologySpreadConstraint{ownRacks, near}, nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rag := desiredtest.Smallest()
			rag.Spec.Server.Scheduling = tt.given
			pod := templates(t, build(t, desiredtest.Inputs(rag)))[desired.ComponentServer].Spec
			if diff := cmp.Diff(tt.spread, pod.TopologySpreadConstraints); diff != "" {
				t.Errorf("constraints (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.affinity, pod.Affinity); diff != "" {
				t.Errorf("affinity (-want +got):\n%s", diff)
			}
		})
	}
}
