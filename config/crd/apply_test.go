package crd_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/test/controlplane"
)

// kubectl runs kubectl as an administrator and returns what it prints.
type kubectl struct{ program, kubeconfig string }

func newKubectl(t *testing.T, cfg *rest.Config) kubectl {
	t.Helper()
	program := controlplane.Program(t, "kubectl") // before HOME changes, where it is looked for
	path := filepath.Join(t.TempDir(), "kubeconfig")
	config := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: cfg.Host, CertificateAuthorityData: cfg.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"u": {ClientCertificateData: cfg.CertData, ClientKeyData: cfg.KeyData}},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "x",
	}
	if err := clientcmd.WriteToFile(config, path); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", t.TempDir()) // kubectl caches there what the API server offers
	return kubectl{program: program, kubeconfig: path}
}

func (k kubectl) run(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), k.program, append([]string{"--kubeconfig", k.kubeconfig}, args...)...)
	command.Stdin = strings.NewReader(stdin)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestApplyLeavesNoMemberOfAUnionBehind applies manifests one after the other, as a person does who changes a file:
// what the last one does not choose is not there any more, or another choice would be a second one.
func TestApplyLeavesNoMemberOfAUnionBehind(t *testing.T) {
	steps := []struct {
		spec  string
		redis v1alpha1.RedisSpec
		// search is the first URL of an external OpenSearch, or the heap of a managed one.
		search string
	}{
		{spec: "", redis: v1alpha1.RedisSpec{}},
		{spec: "redis: {managed: {cacheMemory: 128Mi}}", redis: v1alpha1.RedisSpec{Managed: &v1alpha1.ManagedRedis{CacheMemory: "128Mi", StateStorage: "1Gi"}}},
		{spec: "redis: {managed: {}}", redis: v1alpha1.RedisSpec{Managed: &v1alpha1.ManagedRedis{CacheMemory: "256Mi", StateStorage: "1Gi"}}},
		{spec: "redis: {external: {addresses: ['a:1']}}", redis: external(v1alpha1.RedisModeStandalone, "a:1")},
		{spec: "redis: {managed: {stateStorage: 2Gi}}", redis: v1alpha1.RedisSpec{Managed: &v1alpha1.ManagedRedis{CacheMemory: "256Mi", StateStorage: "2Gi"}}},
		{spec: "redis: {external: {mode: Cluster, addresses: ['a:1', 'b:1']}}", redis: external(v1alpha1.RedisModeCluster, "a:1", "b:1")},
		{spec: "redis: {}", redis: v1alpha1.RedisSpec{}},
		{spec: "openSearch: {managed: {heap: 1Gi}}", search: "1Gi"},
		{spec: "openSearch: {external: {urls: ['https://s']}}", search: "https://s"},
		{spec: "openSearch: {managed: {}}", search: "512Mi"},
		{spec: "redis: {managed: {image: i}}", redis: v1alpha1.RedisSpec{Managed: &v1alpha1.ManagedRedis{Image: "i", CacheMemory: "256Mi", StateStorage: "1Gi"}}},
		{spec: "", redis: v1alpha1.RedisSpec{}},
	}
	cfg, c := apiServer(t)
	k := newKubectl(t, cfg)
	for name, flag := range map[string]string{"client-side": "--server-side=false", "server-side": "--server-side=true"} {
		t.Run(name, func(t *testing.T) {
			for _, step := range steps {
				text, err := yaml.Marshal(manifest(t, "apply-"+name, extractive+step.spec))
				if err != nil {
					t.Fatal(err)
				}
				k.run(t, string(text), "apply", flag, "-f", "-")
				var got v1alpha1.RAGService
				key := client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: "apply-" + name}
				if err := c.Get(context.Background(), key, &got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(step.redis, got.Spec.Redis); diff != "" {
					t.Errorf("after %q (-want +got):\n%s", step.spec, diff)
				}
				search := ""
				if managed := got.Spec.OpenSearch.Managed; managed != nil {
					search = string(managed.Heap)
				}
				if external := got.Spec.OpenSearch.External; external != nil {
					search += string(external.URLs[0])
				}
				if search != step.search {
					t.Errorf("after %q OpenSearch is %q, want %q", step.spec, search, step.search)
				}
			}
		})
	}
}

// external is an external Redis as the API server completes it.
func external(mode v1alpha1.RedisMode, addresses ...v1alpha1.RedisAddress) v1alpha1.RedisSpec {
	return v1alpha1.RedisSpec{External: &v1alpha1.ExternalRedis{RedisConnection: v1alpha1.RedisConnection{
		Mode: mode, Addresses: addresses,
	}}}
}

func TestExplain(t *testing.T) {
	cfg, _ := apiServer(t)
	k := newKubectl(t, cfg)
	for path, want := range map[string]string{
		"rag.spec":                        "Only models.llm is required",
		"rag.spec.models.llm.temperature": `Default "0.2"`,
		"rag.spec.cache.ttl.search":       "Default 1h",
		"rag.status.conditions":           "docs/reasons.md",
	} {
		if got := k.run(t, "", "explain", path); !strings.Contains(strings.Join(strings.Fields(got), " "), want) {
			t.Errorf("kubectl explain %s does not say %q:\n%s", path, want, got)
		}
	}
}
