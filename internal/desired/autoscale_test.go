package desired_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

func autoscaled(least, most int32) *v1alpha1.RAGService {
	rag := desiredtest.Smallest()
	rag.Spec.Server.Autoscaling = &v1alpha1.AutoscalingSpec{MinReplicas: &least, MaxReplicas: most}
	return rag
}

func TestAutoscaler(t *testing.T) {
	t.Parallel()
	plan := build(t, desiredtest.Inputs(autoscaled(2, 7)))
	deployment := find[appsv1.Deployment](t, plan, "Deployment", "papers-server")
	if deployment.Spec.Replicas != nil || deployment.Annotations[desired.AnnotationAutoscaled] == "" {
		t.Errorf("the Deployment has the number %v and the annotations %v", deployment.Spec.Replicas, deployment.Annotations)
	}
	want := autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "papers-server"},
		MinReplicas:    new(int32(2)), MaxReplicas: 7,
		Metrics: []autoscalingv2.MetricSpec{{
			Type: autoscalingv2.ContainerResourceMetricSourceType,
			ContainerResource: &autoscalingv2.ContainerResourceMetricSource{
				Name: "cpu", Container: deployment.Spec.Template.Spec.Containers[0].Name,
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: new(int32(70))},
			},
		}},
	}
	if diff := cmp.Diff(want, find[autoscalingv2.HorizontalPodAutoscaler](t, plan, "HorizontalPodAutoscaler", "papers-server").Spec); diff != "" {
		t.Errorf("autoscaler (-want +got):\n%s", diff)
	}
	var settings config.Config
	file := find[struct {
		Data map[string]string `json:"data"`
	}](t, plan, "ConfigMap", "papers-server").Data["config.yaml"]
	if err := yaml.Unmarshal([]byte(file), &settings); err != nil || settings.Service.Replicas != 7 {
		t.Errorf("servers take their share of %d, want the most that there may be, 7 (%v)", settings.Service.Replicas, err)
	}
}

// What exists decides how many servers are wanted, and whether their number has to be handed over first.
func TestHandOver(t *testing.T) {
	t.Parallel()
	over := []desired.Action{desired.HandOver{Component: desired.ComponentServer, Name: "papers-server", AtLeast: 2}}
	for _, tt := range []struct {
		name   string
		rag    *v1alpha1.RAGService
		exists *desired.Deployment
		wanted int32
		first  []desired.Action
	}{
		{"no autoscaler", desiredtest.Smallest(), &desired.Deployment{Replicas: 5, Autoscaled: true}, 2, nil},
		{"unknown", autoscaled(2, 7), nil, 2, over},
		{"not yet", autoscaled(2, 7), &desired.Deployment{Replicas: 5}, 5, over},
		{"done", autoscaled(2, 7), &desired.Deployment{Replicas: 5, Autoscaled: true}, 5, nil},
		{"stopped by somebody", autoscaled(2, 7), &desired.Deployment{Autoscaled: true}, 2, over},
		{"at the least", autoscaled(2, 7), &desired.Deployment{Replicas: 2, Autoscaled: true}, 2, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := desiredtest.Inputs(tt.rag)
			in.Server = tt.exists
			plan := build(t, in)
			if plan.Replicas != tt.wanted {
				t.Errorf("%d servers are wanted, want %d", plan.Replicas, tt.wanted)
			}
			for _, c := range plan.Components {
				want := tt.first
				if c.Name != desired.ComponentServer {
					want = nil
				}
				if diff := cmp.Diff(want, c.First); diff != "" {
					t.Errorf("%s: first steps (-want +got):\n%s", c.Name, diff)
				}
			}
		})
	}
}
