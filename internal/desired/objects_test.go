package desired_test

import (
	"encoding/json"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

func build(t *testing.T, in desired.Inputs) desired.Plan {
	t.Helper()
	state, err := desired.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// find is the object of a kind and name, decoded into the kind's own type.
func find[T any](t *testing.T, state desired.Plan, kind, name string) T {
	t.Helper()
	i := slices.IndexFunc(state.Objects(), func(o desired.Object) bool {
		return o.Key.Name == name && decode[metav1.TypeMeta](t, o.Config).Kind == kind
	})
	if i < 0 {
		t.Fatalf("there is no %s %s", kind, name)
	}
	return decode[T](t, state.Objects()[i].Config)
}

func decode[T any](t *testing.T, config any) T {
	t.Helper()
	data, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	var decoded T
	if err := json.Unmarshal(data, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

// templates are the pod templates by component.
func templates(t *testing.T, state desired.Plan) map[desired.Component]corev1.PodTemplateSpec {
	t.Helper()
	found := map[desired.Component]corev1.PodTemplateSpec{}
	for _, o := range state.Objects() {
		switch decode[metav1.TypeMeta](t, o.Config).Kind {
		case "Deployment":
			found[o.Component] = decode[appsv1.Deployment](t, o.Config).Spec.Template
		case "StatefulSet":
			found[o.Component] = decode[appsv1.StatefulSet](t, o.Config).Spec.Template
		case "CronJob":
			found[o.Component] = decode[batchv1.CronJob](t, o.Config).Spec.JobTemplate.Spec.Template
		}
	}
	return found
}
