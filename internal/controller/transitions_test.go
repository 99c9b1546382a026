package controller_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/config/crd"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// A transition gives one field of the spec another value.
type transition struct {
	path  []string
	value any
}

func (t transition) String() string {
	return fmt.Sprintf("%s=%.60s", strings.Join(t.path, "."), fmt.Sprint(t.value))
}

// in makes the transition in a spec.
func (t transition) in(spec map[string]any) map[string]any {
	changed := map[string]any{"spec": runtime.DeepCopyJSON(spec)}
	_ = unstructured.SetNestedField(changed, runtime.DeepCopyJSONValue(t.value), append([]string{"spec"}, t.path...)...)
	return changed["spec"].(map[string]any)
}

// wholeValues are values of fields whose types are Kubernetes' own, or for which texts has none.
var wholeValues = map[string]any{
	"objectivePercent": "99.9",
	"email":            map[string]any{"to": []any{"oncall@example.com"}, "from": "rag@example.com", "smarthost": "smtp.example.com:587"},
	"resources":        map[string]any{"requests": map[string]any{"cpu": "250m"}, "limits": map[string]any{"memory": "6Gi"}},
	"affinity": map[string]any{"nodeAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": map[string]any{
		"nodeSelectorTerms": []any{map[string]any{"matchExpressions": []any{map[string]any{"key": "disk", "operator": "In", "values": []any{"fast"}}}}},
	}}},
	"tolerations":               []any{map[string]any{"key": "gpu", "operator": "Exists"}},
	"topologySpreadConstraints": []any{map[string]any{"maxSkew": int64(1), "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}},
	"nodeSelector":              map[string]any{"disk": "fast"},
	"namespaceSelector":         map[string]any{"matchLabels": map[string]any{"team": "search"}},
	"caSecretRef":               map[string]any{"name": "another", "key": "ca.crt"},
	"podSelector":               map[string]any{"matchLabels": map[string]any{"app": "proxy"}},
}

// texts are values of strings, of which the rules of a field let some pass.
var texts = []any{
	"another", "3Gi", "90s", "0.5", "https://models.example.com/v1", "192.0.2.0/24", "X-Caller", "registry.example.com/image:1",
	`{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"1","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`,
}

// values are values of a field: the ends of its range, each of an enum, some text.
func values(name string, s *apiextensionsv1.JSONSchemaProps) (all []any) {
	if v, isWhole := wholeValues[name]; isWhole {
		return []any{v}
	}
	switch {
	case len(s.Enum) > 0:
		for _, v := range s.Enum {
			var decoded any
			_ = json.Unmarshal(v.Raw, &decoded)
			all = append(all, decoded)
		}
	case s.Type == "boolean":
		all = []any{true, false}
	case s.Type == "integer":
		if s.Minimum != nil {
			all = append(all, int64(*s.Minimum), int64(*s.Minimum)+1, int64(*s.Minimum)-1) // the last is refused
		}
		if s.Maximum != nil {
			all = append(all, int64(*s.Maximum))
		}
	case s.Type == "string" && (name == "name" || name == "key"): // what is referred to is there
		all = []any{"another", strings.Repeat("x", 70_000)}
	case s.Type == "string":
		all = append(slices.Clone(texts), strings.Repeat("x", 70_000)) // the last is refused
	case s.Type == "array":
		for _, item := range values(name, s.Items.Schema) {
			all = append(all, []any{item})
		}
	case s.AdditionalProperties != nil:
		all = []any{map[string]any{"example.com/note": "x"}}
	case s.Type == "object":
		whole := map[string]any{}
		for _, required := range s.Required {
			property := s.Properties[required]
			if first := values(required, &property); len(first) > 0 {
				whole[required] = first[0]
			}
		}
		all = []any{whole}
	}
	return all
}

// transitions walks all fields.
func transitions(path []string, s *apiextensionsv1.JSONSchemaProps) (all []transition) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		property := s.Properties[name]
		here := append(slices.Clone(path), name)
		for _, v := range values(name, &property) {
			all = append(all, transition{here, v})
		}
		if _, isWhole := wholeValues[name]; !isWhole && property.Type == "object" {
			all = append(all, transitions(here, &property)...)
		}
	}
	return all
}

// walker makes transitions of one RAGService.
type walker struct {
	*world
	operator *operator
	rag      *v1alpha1.RAGService
	at       fmt.Stringer      // the transition that is being made; nil for none
	spec     map[string]any    // as it was given
	state    map[string]string // that it had
	// taken transitions were made, oneWay of them cannot be rolled back.
	taken, oneWay int64
}

func newWalker(t *testing.T, spec map[string]any) *walker {
	t.Helper()
	w := &walker{world: newWorld(t), spec: spec}
	authority := httptest.NewTLSServer(http.NotFoundHandler())
	defer authority.Close()
	w.must(w.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "another"},
		StringData: map[string]string{ // whatever refers to it
			"another": "a key of a model", "password": "of a store", "username": "of a store",
			"alice":  `{"key": "0123456789012345678901234567"}`,
			"ca.crt": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate().Raw})),
		},
	}))
	w.operator = w.startOperator()
	object := &unstructured.Unstructured{Object: map[string]any{"spec": runtime.DeepCopyJSON(spec)}}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("RAGService"))
	object.SetNamespace(w.namespace)
	object.SetName("papers")
	w.must(w.Create(t.Context(), object))
	w.rag = &v1alpha1.RAGService{}
	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(object), w.rag))
	w.state = w.settled()
	return w
}

// settled is the state when a pass writes nothing more.
func (w *walker) settled() map[string]string {
	w.t.Helper()
	w.eventually(func() string {
		w.orphan()
		w.rollServers()
		why := w.unsettled(w.operator, w.rag)
		if why != "" && w.at != nil {
			why = w.at.String() + ": " + why
		}
		return why
	})
	return w.stateOf(w.rag)
}

// orphan does what the garbage collector does, which does not run here: it lets StatefulSets go that were deleted without their pods.
func (w *walker) orphan() {
	w.t.Helper()
	var sets appsv1.StatefulSetList
	w.must(w.List(w.t.Context(), &sets, client.InNamespace(w.namespace)))
	for _, set := range sets.Items {
		if set.DeletionTimestamp != nil && len(set.Finalizers) > 0 {
			set.Finalizers = nil
			w.must(client.IgnoreNotFound(w.Update(w.t.Context(), &set)))
		}
	}
}

// rollServers does what the Deployment's controller does, which does not run here: a store that servers use no more goes when they have
// rolled.
func (w *walker) rollServers() {
	w.t.Helper()
	var server appsv1.Deployment
	key := client.ObjectKey{Namespace: w.namespace, Name: desired.Name("papers", desired.ComponentServer)}
	if w.Get(w.t.Context(), key, &server) == nil && server.Status.ObservedGeneration != server.Generation {
		w.reportServers(&server, *server.Spec.Replicas)
	}
}

// puts replaces the spec as kubectl replace does, and reports whether the API server takes it.
func (w *walker) puts(spec map[string]any, options ...client.UpdateOption) bool {
	w.t.Helper()
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("RAGService"))
	key := client.ObjectKeyFromObject(w.rag)
	for {
		w.must(w.Get(w.t.Context(), key, object))
		object.Object["spec"] = runtime.DeepCopyJSON(spec)
		err := w.Update(w.t.Context(), object, options...)
		switch {
		case apierrors.IsConflict(err):
			continue
		case apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err):
			return false
		}
		w.must(err)
		return true
	}
}

// failures are the reasons that mean that the operator could not do what the spec says.
func (w *walker) failures() (all []string) {
	w.t.Helper()
	w.must(w.Get(w.t.Context(), client.ObjectKeyFromObject(w.rag), w.rag))
	for conditionType, outcome := range outcomes(w.rag) {
		if strings.HasSuffix(outcome, "/ApplyFailed") || strings.HasSuffix(outcome, "/ReconcileFailed") {
			all = append(all, conditionType+"="+outcome)
		}
	}
	return all
}

// takes reports whether the API server takes a spec in place of the service's, without giving it.
func (w *walker) takes(spec map[string]any) bool {
	w.t.Helper()
	return w.puts(spec, client.DryRunAll)
}

// TestTransitions walks every field of the schema: each value that the API server takes becomes objects that it takes too, and a rollback
// brings the state of before. In the end a service with all that was taken is made anew: it has the state of the one that was edited. (Acto,
// SOSP 2023, calls these transitions and their oracles.)
func TestTransitions(t *testing.T) { //nolint:tparallel // one subtest waits for all that are parallel
	t.Parallel()
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(crd.RAGService, &definition); err != nil {
		t.Fatal(err)
	}
	schema := definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	model := map[string]any{"provider": "OpenAI", "baseURL": "https://llm.example.com/v1", "model": "m"}
	specs := []map[string]any{ // some fields need others
		{"models": map[string]any{"llm": map[string]any{"provider": "Extractive"}}},
		{"models": map[string]any{"llm": model}, "auth": map[string]any{"mode": "JWT", "jwt": map[string]any{
			"issuer": "https://issuer.example.com", "audiences": []any{"rag"}, "jwksURL": "https://issuer.example.com/keys",
		}}},
		{"models": map[string]any{"llm": model}, "auth": map[string]any{"mode": "TrustedHeader", "trustedHeader": map[string]any{
			"networks": []any{"192.0.2.0/24"},
		}}},
	}
	byField := map[string][]transition{}
	for _, tr := range transitions(nil, &schema) {
		byField[tr.path[0]] = append(byField[tr.path[0]], tr)
	}
	var taken, oneWay, refused atomic.Int64
	t.Run("fields", func(t *testing.T) {
		for _, field := range slices.Sorted(maps.Keys(byField)) {
			t.Run(field, func(t *testing.T) {
				t.Parallel()
				left := byField[field]
				for _, spec := range specs {
					if len(left) == 0 {
						break
					}
					w := newWalker(t, spec)
					left = w.walk(left)
					taken.Add(w.taken)
					oneWay.Add(w.oneWay)
				}
				refused.Add(int64(len(left)))
				for _, tr := range left {
					t.Logf("refused: %s", tr)
				}
			})
		}
	})
	t.Logf("%d transitions, %d of them one way; %d were refused", taken.Load(), oneWay.Load(), refused.Load())
	if taken.Load() < 200 {
		t.Errorf("%d transitions, want 200 at least", taken.Load())
	}
}

// walk makes the transitions that the API server takes, each from the spec that the service has, and returns the others.
func (w *walker) walk(all []transition) (left []transition) {
	w.t.Helper()
	everything := runtime.DeepCopyJSON(w.spec)
	for _, tr := range all {
		if !w.takes(tr.in(w.spec)) {
			left = append(left, tr)
			continue
		}
		w.at = tr
		w.taken++
		w.puts(tr.in(w.spec))
		w.settled()
		if failed := w.failures(); len(failed) > 0 {
			w.t.Errorf("%s: %v", tr, failed)
		}
		if w.puts(w.spec) {
			now := w.settled()
			maps.DeleteFunc(now, func(name, _ string) bool { // generated Secrets stay until the service goes
				return strings.HasPrefix(name, "Secret ") && w.state[name] == ""
			})
			if diff := cmp.Diff(w.state, now); diff != "" {
				w.t.Errorf("%s: rolled back to another state (-before +after):\n%s", tr, diff)
			}
		} else { // such as storage, which does not shrink
			w.oneWay++
			w.spec = tr.in(w.spec)
			w.state = w.settled()
		}
		if together := tr.in(everything); w.takes(together) {
			everything = together
		}
	}
	if w.taken == 0 {
		return left
	}
	w.at = nil
	if !w.puts(everything) {
		w.t.Fatal("all together is refused")
	}
	edited, anew := w.settled(), newWalker(w.t, everything).state
	for _, state := range []map[string]string{edited, anew} { // likewise
		maps.DeleteFunc(state, func(name, _ string) bool { return strings.HasPrefix(name, "Secret ") })
	}
	if diff := cmp.Diff(anew, edited); diff != "" {
		w.t.Errorf("edited to another state than made anew (-anew +edited):\n%s", diff)
	}
	return left
}
