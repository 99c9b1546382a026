package desired_test

import (
	"strings"
	"testing"

	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

func TestPodsMeetTheRestrictedStandard(t *testing.T) {
	t.Parallel()
	latest := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	found := templates(t, build(t, desiredtest.Inputs(desiredtest.Full())))
	if len(found) != 4 {
		t.Fatalf("%d pod templates, want 4", len(found))
	}
	for component, template := range found {
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(latest, &template.ObjectMeta, &template.Spec))
		if !result.Allowed {
			t.Errorf("%s: %s: %s", component, result.ForbiddenReason(), result.ForbiddenDetail())
		}
	}
}

// Beyond the standard: what is mounted and started cannot be written, and no pod may talk to the API server.
func TestPodsAreClosed(t *testing.T) {
	t.Parallel()
	for component, template := range templates(t, build(t, desiredtest.Inputs(desiredtest.Full()))) {
		pod := template.Spec
		if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
			t.Errorf("%s mounts a service-account token", component)
		}
		if pod.EnableServiceLinks == nil || *pod.EnableServiceLinks {
			t.Errorf("%s has other Services in its environment", component)
		}
		for _, c := range append(pod.InitContainers, pod.Containers...) {
			if root := c.SecurityContext.ReadOnlyRootFilesystem; root == nil || !*root {
				t.Errorf("the root of %s of %s can be written", c.Name, component)
			}
			if words := strings.Join(append(c.Command, c.Args...), " "); strings.Contains(words, "pass") {
				t.Errorf("%s of %s may have a password in its arguments: %s", c.Name, component, words)
			}
			for _, m := range c.VolumeMounts {
				if m.SubPath != "" {
					t.Errorf("%s of %s mounts %s by subPath: changes would not reach it", c.Name, component, m.MountPath)
				}
			}
		}
	}
}
