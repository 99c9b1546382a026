package desired_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

// reservedEnv are the names that the schema refuses in spec.server.env. A variable that the operator sets and that is not among
// them would be in the pod twice, and its apply refused.
var reservedEnv = []string{"GOMEMLIMIT", "POD_NAME", "POD_UID"}

func TestServerEnvironment(t *testing.T) {
	t.Parallel()
	own := serverEnv(t, desiredtest.Smallest())
	var names []string
	for _, v := range own {
		names = append(names, v.Name)
	}
	if slices.Sort(names); !slices.Equal(names, reservedEnv) {
		t.Errorf("the operator sets %q, and api/v1alpha1 refuses %q in spec.server.env", names, reservedEnv)
	}
	rag := desiredtest.Smallest()
	rag.Spec.Server.Env = []v1alpha1.EnvVar{{Name: "HTTPS_PROXY", Value: "http://proxy:3128"}}
	want := append(slices.Clone(own), corev1.EnvVar{Name: "HTTPS_PROXY", Value: "http://proxy:3128"})
	if got := serverEnv(t, rag); !slices.EqualFunc(got, want, func(a, b corev1.EnvVar) bool { return a.Name == b.Name && a.Value == b.Value }) {
		t.Errorf("environment %v, want %v", got, want)
	}
}

// The API server drops an empty value: rendered, it would look like drift for ever.
func TestEmptyVariableHasNoValue(t *testing.T) {
	t.Parallel()
	rag := desiredtest.Smallest()
	rag.Spec.Server.Env = []v1alpha1.EnvVar{{Name: "EMPTY"}}
	for _, o := range build(t, desiredtest.Inputs(rag)).Objects() {
		if deployment, ok := o.Config.(*appsv1ac.DeploymentApplyConfiguration); ok {
			env := deployment.Spec.Template.Spec.Containers[0].Env
			if last := env[len(env)-1]; *last.Name != "EMPTY" || last.Value != nil {
				t.Errorf("the last variable is %s with value %v", *last.Name, last.Value)
			}
		}
	}
}

func serverEnv(t *testing.T, rag *v1alpha1.RAGService) []corev1.EnvVar {
	t.Helper()
	return templates(t, build(t, desiredtest.Inputs(rag)))[desired.ComponentServer].Spec.Containers[0].Env
}
