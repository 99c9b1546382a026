package crd_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/test/controlplane"
)

// The rules of memory came after services that break them: these stay as they are, and everything else of them can be edited.
func TestRulesOfMemoryLeaveWhatWasThereEditable(t *testing.T) {
	_, api := apiServer(t)
	rules := newRules(t)
	rules.remove()
	key := client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: "from-before"}
	const spec = extractive + `
server: {resources: {limits: {memory: 100Mi}}}
cache: {local: {maxBytes: 1Gi}}
redis: {managed: {cacheMemory: 1Gi, stateStorage: 2Gi, resources: {limits: {memory: 100Mi}}}}
openSearch: {managed: {heap: 1Gi, resources: {limits: {memory: 100Mi}}}}
`
	rules.eventually("the rules are still there", func() bool { return api.Create(t.Context(), manifest(t, key.Name, spec)) == nil })
	defer func() {
		if err := api.Delete(t.Context(), &v1alpha1.RAGService{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}); err != nil {
			t.Error(err)
		}
	}()
	rules.restore()
	rules.eventually("the rules are not back", func() bool {
		return apierrors.IsInvalid(api.Create(t.Context(), manifest(t, "too-late", spec), client.DryRunAll))
	})

	edit := func(patch string) error {
		var rag v1alpha1.RAGService
		if err := api.Get(t.Context(), key, &rag); err != nil {
			t.Fatal(err)
		}
		return api.Patch(t.Context(), &rag, client.RawPatch(types.MergePatchType, []byte(patch)))
	}
	var rag v1alpha1.RAGService
	if err := api.Get(t.Context(), key, &rag); err != nil {
		t.Fatal(err)
	}
	rag.Status.ObservedGeneration = new(int64(1))
	if err := api.Status().Update(t.Context(), &rag); err != nil {
		t.Errorf("the status cannot be written: %v", err)
	}
	for _, tt := range []struct{ name, patch, refused string }{
		{"a label", `{"metadata": {"labels": {"a": "b"}}}`, ""},
		{"another field", `{"spec": {"logging": {"level": "WARNING"}}}`, ""},
		{"another field of the server", `{"spec": {"server": {"replicas": 3, "resources": {"limits": {"cpu": "1"}}}}}`, ""},
		{"another field of the cache", `{"spec": {"cache": {"generation": 1}}}`, ""},
		{"other fields beside", `{"spec": {"redis": {"managed": {"image": "r"}}, "openSearch": {"managed": {"storage": "20Gi"}}}}`, ""},
		{"the local cache", `{"spec": {"cache": {"local": {"maxBytes": "2Gi"}}}}`, "spec.cache.local.maxBytes"},
		{"the server's limit", `{"spec": {"server": {"resources": {"limits": {"memory": "99Mi"}}}}}`, "spec.cache.local.maxBytes"},
		{"the cache of Redis", `{"spec": {"redis": {"managed": {"cacheMemory": "2Gi"}}}}`, "spec.redis.managed.cacheMemory"},
		{"the storage of Redis", `{"spec": {"redis": {"managed": {"stateStorage": "3Gi"}}}}`, "spec.redis.managed.resources"},
		{"the heap", `{"spec": {"openSearch": {"managed": {"heap": "2Gi"}}}}`, "spec.openSearch.managed.heap"},
		{"OpenSearch's limit", `{"spec": {"openSearch": {"managed": {"resources": {"limits": {"memory": "1Gi"}}}}}}`, "spec.openSearch.managed.heap"},
		{"a limit that is enough", `{"spec": {"openSearch": {"managed": {"resources": {"limits": {"memory": "2Gi"}}}}}}`, ""},
		{"and back", `{"spec": {"openSearch": {"managed": {"resources": {"limits": {"memory": "1Gi"}}}}}}`, "spec.openSearch.managed.heap"},
	} {
		err := edit(tt.patch)
		if tt.refused == "" && err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.refused != "" && (!apierrors.IsInvalid(err) || !strings.Contains(err.Error(), tt.refused)) {
			t.Errorf("%s: %v, want a refusal that names %s", tt.name, err, tt.refused)
		}
	}
}

// rules are those of memory in the definition on the API server, which a test can take away.
type rules struct {
	t   *testing.T
	api client.Client
	// all are the rules by the field of the spec that they are about; "" is the spec itself.
	all map[string]apiextensionsv1.ValidationRules
}

func newRules(t *testing.T) *rules {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apiextensionsv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	api, err := client.New(controlplane.Start(t), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	r := &rules{t, api, nil}
	t.Cleanup(r.restore)
	return r
}

func (r *rules) remove() {
	r.t.Helper()
	all := map[string]apiextensionsv1.ValidationRules{}
	r.edit(func(field string, current apiextensionsv1.ValidationRules) apiextensionsv1.ValidationRules {
		all[field] = current
		return nil
	})
	r.all = all
}

func (r *rules) restore() {
	r.t.Helper()
	if r.all != nil {
		r.edit(func(field string, _ apiextensionsv1.ValidationRules) apiextensionsv1.ValidationRules {
			return r.all[field]
		})
		r.all = nil
	}
}

func (r *rules) edit(change func(string, apiextensionsv1.ValidationRules) apiextensionsv1.ValidationRules) {
	r.t.Helper()
	var definition apiextensionsv1.CustomResourceDefinition
	ctx := context.Background() // a cleanup has no other
	if err := r.api.Get(ctx, client.ObjectKey{Name: "ragservices.ragservice.dev"}, &definition); err != nil {
		r.t.Fatal(err)
	}
	root := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
	spec := root.Properties["spec"]
	spec.XValidations = change("", spec.XValidations)
	for _, store := range []string{"redis", "openSearch"} {
		managed := spec.Properties[store].Properties["managed"]
		managed.XValidations = change(store, managed.XValidations)
		spec.Properties[store].Properties["managed"] = managed
	}
	root.Properties["spec"] = spec
	if err := r.api.Update(ctx, &definition); err != nil {
		r.t.Fatal(fmt.Errorf("changing the definition: %w", err))
	}
}

// eventually waits for the API server to serve another definition.
func (r *rules) eventually(what string, done func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatal(what)
		}
	}
}
