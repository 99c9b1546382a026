package chart

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/test/controlplane"
)

const folder = "../../charts/ragservice-operator"

// TestReleasesDoNotCollide installs the chart twice, under one name in two namespaces, as two teams would.
func TestReleasesDoNotCollide(t *testing.T) {
	connection := controlplane.Start(t)
	kubeconfig := controlplane.Kubeconfig(t, connection)
	c, err := client.New(connection, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var namespaces []string
	for range 2 {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "chart-"}}
		if err := c.Create(t.Context(), namespace); err != nil {
			t.Fatal(err)
		}
		namespaces = append(namespaces, namespace.Name)
	}
	release := func(namespace string, words ...string) string {
		return helm(t, append(words, "--namespace", namespace, "--kubeconfig", kubeconfig)...)
	}
	release(namespaces[0], "upgrade", "--install", "operator", folder)
	said := release(namespaces[1], "upgrade", "--install", "operator", folder)
	if !strings.Contains(said, "belongs to the release "+namespaces[0]+"/operator") {
		t.Errorf("the second release does not say whose the definition is:\n%s", said)
	}
	// The definition stays when its release goes; the other one goes on without it being taken away.
	release(namespaces[0], "uninstall", "operator")
	release(namespaces[1], "upgrade", "--install", "operator", folder)
	definition := &unstructured.Unstructured{}
	definition.SetAPIVersion("apiextensions.k8s.io/v1")
	definition.SetKind("CustomResourceDefinition")
	if err := c.Get(t.Context(), client.ObjectKey{Name: "ragservices.ragservice.dev"}, definition); err != nil {
		t.Errorf("the definition: %v", err)
	}
	release(namespaces[1], "uninstall", "operator")
}

func TestValues(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		values []string
		// has and lacks are "Kind name" of objects.
		has, lacks []string
		// argument is one of the manager's.
		argument string
	}{
		"as they are": {
			has: []string{
				"ClusterRole there:operator-ragservice-operator", "ClusterRoleBinding there:operator-ragservice-operator",
				"CustomResourceDefinition ragservices.ragservice.dev", "Service operator-ragservice-operator-metrics",
			},
			argument: "--pod-security=fixed-ids",
		},
		"single namespaces": {
			values:   []string{"watchNamespaces={one,two}"},
			has:      []string{"Role operator-ragservice-operator", "RoleBinding operator-ragservice-operator"},
			lacks:    []string{"ClusterRole there:operator-ragservice-operator", "ClusterRoleBinding there:operator-ragservice-operator"},
			argument: "--namespaces=one,two",
		},
		"no metrics": {
			values:   []string{"metrics.enabled=false"},
			lacks:    []string{"Service operator-ragservice-operator-metrics"},
			argument: "--metrics-bind-address=0",
		},
		"no rights": {
			values: []string{"rbac.create=false"},
			lacks:  []string{"ClusterRole there:operator-ragservice-operator", "ClusterRole there:operator-ragservice-operator-editor"},
		},
		"an id":                {argument: "--operator-id=there.operator-ragservice-operator"},
		"no definition":        {values: []string{"crds.install=false"}, lacks: []string{"CustomResourceDefinition ragservices.ragservice.dev"}},
		"OpenShift":            {values: []string{"podSecurity=platform"}, argument: "--pod-security=platform"},
		"a private registry":   {values: []string{"images.pullSecrets={a,b}"}, argument: "--image-pull-secret=a,b"},
		"a class of volumes":   {values: []string{"defaultStorageClass=fast"}, argument: "--default-storage-class=fast"},
		"a mirror":             {values: []string{"images.registry=mirror.example.com/a"}, argument: "--image-registry=mirror.example.com/a"},
		"an image of a mirror": {values: []string{"images.redis=mirror.example.com/redis:8"}, argument: "--redis-image=mirror.example.com/redis:8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := render(t, test.values...)
			for _, object := range test.has {
				if objects[object] == nil {
					t.Errorf("there is no %s", object)
				}
			}
			for _, object := range test.lacks {
				if objects[object] != nil {
					t.Errorf("there is a %s", object)
				}
			}
			if arguments := managerArguments(t, objects); test.argument != "" && !strings.Contains(arguments, " "+test.argument+" ") {
				t.Errorf("the manager has%s, without %s", arguments, test.argument)
			}
		})
	}
}

// On OpenShift the operator's own pod names no user either.
func TestThePlatformChoosesTheOperatorsUser(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{"fixed-ids": true, "platform": false} {
		deployment := render(t, "podSecurity="+value)["Deployment operator-ragservice-operator"]
		_, found, err := unstructured.NestedInt64(deployment.Object, "spec", "template", "spec", "securityContext", "runAsUser")
		if err != nil || found != want {
			t.Errorf("podSecurity=%s: a user is named: %t, want %t (%v)", value, found, want, err)
		}
	}
}

// A value that nobody reads is a typing mistake, and is refused.
func TestValuesAreRefused(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"podSecurity=root", "replica=2", "image.digest=latest", "images.redis=", "watchNamespace={a}", "dashboards.label.a=b"} {
		out, err := command(t, "template", "operator", folder, "--set", value).CombinedOutput()
		field, _, _ := strings.Cut(value, "=")
		if err == nil || !strings.Contains(string(out), field[strings.LastIndex(field, ".")+1:]) {
			t.Errorf("--set %s is not refused by name: %s", value, out)
		}
	}
}

// render is what `helm template` makes of the chart, by "Kind name".
func render(t *testing.T, values ...string) map[string]*unstructured.Unstructured {
	t.Helper()
	return renderWith(t, nil, values...)
}

func renderWith(t *testing.T, arguments []string, values ...string) map[string]*unstructured.Unstructured {
	t.Helper()
	words := append([]string{"template", "operator", folder, "--namespace", "there"}, arguments...)
	for _, value := range values {
		words = append(words, "--set", value)
	}
	objects := map[string]*unstructured.Unstructured{}
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(helm(t, words...)), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); err != nil {
			break
		}
		if object.Object != nil {
			objects[object.GetKind()+" "+object.GetName()] = object
		}
	}
	return objects
}

// managerArguments are the arguments of the operator's container, each between spaces.
func managerArguments(t *testing.T, objects map[string]*unstructured.Unstructured) string {
	t.Helper()
	containers, _, err := unstructured.NestedSlice(objects["Deployment operator-ragservice-operator"].Object,
		"spec", "template", "spec", "containers")
	if err != nil {
		t.Fatal(err)
	}
	arguments, _, err := unstructured.NestedStringSlice(containers[0].(map[string]any), "args")
	if err != nil {
		t.Fatal(err)
	}
	return " " + strings.Join(arguments, " ") + " "
}

func helm(t *testing.T, words ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	c := command(t, words...)
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("helm %s: %v\n%s", words[0], err, stderr.String())
	}
	return string(out)
}

// command is helm, which hack/test.sh builds and names, or the one in PATH.
func command(t *testing.T, words ...string) *exec.Cmd {
	t.Helper()
	program := os.Getenv("HELM")
	if program == "" {
		var err error
		if program, err = exec.LookPath("helm"); err != nil {
			t.Fatal("helm is missing: set HELM to the program, or run these tests with `make test`, which builds it")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, program, words...)
}
