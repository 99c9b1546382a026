package desired_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/ragservice/ragservice-operator/internal/desired"
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
	if len(found) != 5 {
		t.Fatalf("%d pod templates, want 5", len(found))
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

// OpenShift's security context constraints refuse pods that name a user of their own.
func TestThePlatformChoosesUsers(t *testing.T) {
	t.Parallel()
	in := desiredtest.Inputs(desiredtest.Full())
	in.Operator.PodSecurity = desired.PodSecurityPlatform
	for component, template := range templates(t, build(t, in)) {
		pod := template.Spec.SecurityContext
		if pod.RunAsUser != nil || pod.RunAsGroup != nil || pod.FSGroup != nil {
			t.Errorf("%s names users or groups: %+v", component, pod)
		}
		if pod.RunAsNonRoot == nil || !*pod.RunAsNonRoot {
			t.Errorf("%s may run as root", component)
		}
		for _, c := range append(template.Spec.InitContainers, template.Spec.Containers...) {
			if c.SecurityContext.RunAsUser != nil {
				t.Errorf("%s of %s names a user", c.Name, component)
			}
		}
	}
}

// Pods take pull secrets from their ServiceAccount, so that a new list restarts nothing.
func TestImagePullSecrets(t *testing.T) {
	t.Parallel()
	before := build(t, desiredtest.Inputs(desiredtest.Full()))
	in := desiredtest.Inputs(desiredtest.Full())
	in.Operator.ImagePullSecrets = []string{"mirror", "registry"}
	plan := build(t, in)
	if !cmp.Equal(templates(t, before), templates(t, plan)) {
		t.Error("another pull secret changes pod templates")
	}
	accounts := 0
	for _, o := range plan.Objects() {
		account, ok := o.Config.(*corev1ac.ServiceAccountApplyConfiguration)
		if !ok {
			continue
		}
		accounts++
		var names []string
		for _, reference := range account.ImagePullSecrets {
			names = append(names, *reference.Name)
		}
		// The spec's, which both name, and then the operator's other one.
		if want := []string{"registry", "mirror"}; !slices.Equal(names, want) {
			t.Errorf("%s has pull secrets %q, want %q", o.Key.Name, names, want)
		}
	}
	if accounts != 5 {
		t.Errorf("%d ServiceAccounts, want 5", accounts)
	}
}
