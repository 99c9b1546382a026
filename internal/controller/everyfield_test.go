package controller_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
)

// owned are the objects of the namespace that the operator applies.
func (w *world) owned() (all []unstructured.Unstructured) {
	w.t.Helper()
	for _, kind := range apply.Kinds() {
		gvk, err := apiutil.GVKForObject(kind, w.Scheme())
		w.must(err)
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		w.must(w.List(w.t.Context(), list, client.InNamespace(w.namespace)))
		for _, object := range list.Items {
			if len(fieldsOf(&object)) > 0 {
				all = append(all, object)
			}
		}
	}
	return all
}

// fieldsOf are the paths of the fields that the operator keeps, as the API server notes them.
func fieldsOf(object *unstructured.Unstructured) (paths []fieldpath.Path) {
	for _, entry := range object.GetManagedFields() {
		if entry.Manager != string(apply.FieldOwner) || entry.Subresource != "" {
			continue
		}
		var fields fieldpath.Set
		if fields.FromJSON(entry.FieldsV1.GetRawReader()) == nil {
			fields.Leaves().Iterate(func(p fieldpath.Path) { paths = append(paths, slices.Clone(p)) })
		}
	}
	return paths
}

// at follows a path into an object, and answers the value there and where that is as a JSON pointer.
func at(in any, path fieldpath.Path) (found any, pointer string, ok bool) {
	for _, step := range path {
		switch {
		case step.FieldName != nil:
			fields, isMap := in.(map[string]any)
			if in, ok = fields[*step.FieldName]; !isMap || !ok {
				return nil, "", false
			}
			pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(*step.FieldName)
		default:
			items, _ := in.([]any)
			i := slices.IndexFunc(items, func(item any) bool { return isItem(item, step) })
			if i < 0 {
				return nil, "", false
			}
			in, pointer = items[i], fmt.Sprintf("%s/%d", pointer, i)
		}
	}
	return in, pointer, true
}

func isItem(item any, step fieldpath.PathElement) bool {
	if step.Value != nil {
		return value.Equals(value.NewValueInterface(item), *step.Value)
	}
	fields, isMap := item.(map[string]any)
	if !isMap || step.Key == nil {
		return false
	}
	for _, key := range *step.Key {
		given, has := fields[key.Name]
		if !has || !value.Equals(value.NewValueInterface(given), key.Value) {
			return false
		}
	}
	return true
}

// others are values other than v that the API server may take in its place.
func others(v any) []any {
	switch v := v.(type) {
	case string:
		return []any{
			v + "x", "x" + v, "7Mi", "64Gi", "1", "Always", "Never", "OnDelete", "UDP", "ClientIP", "IfHealthyBudget", "NodePort", "SingleStack",
			"Delete", "Unconfined", "DoNotSchedule", "Recreate",
		}
	case bool:
		return []any{!v}
	case int64:
		return []any{v + 1, v - 1}
	case []any:
		if len(v) > 1 {
			return []any{v[1:]}
		}
		if len(v) == 1 {
			if s, isString := v[0].(string); isString {
				return []any{[]any{s + "x"}, []any{}}
			}
			return []any{[]any{}}
		}
	case map[string]any:
		return []any{map[string]any{"x": "y"}}
	}
	return nil
}

// TestEveryFieldOfEveryChildIsKept changes each field that the operator keeps, of each object, one by one: it is restored, unless the API
// server takes no other value. A label of somebody else stays. Then each object is deleted, and comes back.
func TestEveryFieldOfEveryChildIsKept(t *testing.T) { //nolint:tparallel // one subtest waits for all that are parallel
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	w.ready(w.service())
	w.keepsEveryField(t, w.owned())
}

// TestEveryFieldOfFurtherKindsIsKept is that for the kinds that the smallest service does without.
func TestEveryFieldOfFurtherKindsIsKept(t *testing.T) { //nolint:tparallel // one subtest waits for all that are parallel
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	w.ready(w.service(func(s *v1alpha1.RAGServiceSpec) {
		s.Server.Autoscaling = &v1alpha1.AutoscalingSpec{MaxReplicas: 5}
		s.Server.Ingress = &v1alpha1.IngressSpec{
			ClassName: "nginx", Hosts: []v1alpha1.Hostname{"rag.example.com"}, TLS: &v1alpha1.IngressTLS{SecretName: "rag-tls"},
			Annotations: v1alpha1.ObjectAnnotations{"cert-manager.io/cluster-issuer": "letsencrypt"},
		}
		s.OpenSearch.Snapshots = &v1alpha1.SnapshotsSpec{Repository: v1alpha1.SnapshotRepository{ClaimName: "backups"}, Schedule: "@daily"}
	}))
	objects := slices.DeleteFunc(w.owned(), func(o unstructured.Unstructured) bool {
		return o.GetKind() != "HorizontalPodAutoscaler" && o.GetKind() != "Ingress" && o.GetKind() != "CronJob"
	})
	if len(objects) != 3 {
		t.Fatalf("%d objects, want an autoscaler, an Ingress and a CronJob", len(objects))
	}
	w.keepsEveryField(t, objects)
}

// keepsEveryField changes and deletes objects.
func (w *world) keepsEveryField(t *testing.T, objects []unstructured.Unstructured) {
	t.Helper()
	var changed, fixed atomic.Int64
	t.Run("objects", func(t *testing.T) {
		for i := range objects {
			object := &objects[i]
			t.Run(object.GetKind()+" "+object.GetName(), func(t *testing.T) {
				t.Parallel()
				own := &world{Client: w.Client, t: t, config: w.config, namespace: w.namespace}
				for _, path := range fieldsOf(object) {
					if own.disturbs(object, path) {
						changed.Add(1)
					} else {
						fixed.Add(1)
						t.Logf("takes no other value: %s", path)
					}
				}
				own.deletes(object)
			})
		}
	})
	t.Logf("%d objects: %d fields were changed and restored, of %d the API server takes no other value", len(objects), changed.Load(), fixed.Load())
	if changed.Load() == 0 || changed.Load() < 5*fixed.Load() {
		t.Errorf("%d fields could be changed and %d could not: the test looks at too little", changed.Load(), fixed.Load())
	}
}

// disturbs changes one field, and waits until it is as before. It reports whether the API server took another value.
func (w *world) disturbs(object *unstructured.Unstructured, path fieldpath.Path) bool {
	w.t.Helper()
	key, current := client.ObjectKeyFromObject(object), object.DeepCopy()
	w.must(w.Get(w.t.Context(), key, current))
	before, pointer, ok := at(current.Object, path)
	if !ok {
		w.t.Fatalf("%s is kept and not there", path)
	}
	for _, other := range others(before) {
		patch, err := json.Marshal([]map[string]any{
			{"op": "replace", "path": pointer, "value": other},
			{"op": "add", "path": "/metadata/labels/example.com~1owner", "value": "somebody"},
		})
		w.must(err)
		disturbed := current.DeepCopy()
		err = w.Patch(w.t.Context(), disturbed, client.RawPatch("application/json-patch+json", patch))
		if apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err) {
			continue
		}
		w.must(err)
		if now, _, there := at(disturbed.Object, path); there && value.Equals(value.NewValueInterface(now), value.NewValueInterface(before)) {
			continue // the API server took it for the same
		}
		w.eventually(func() string {
			w.must(w.Get(w.t.Context(), key, current))
			if now, _, there := at(current.Object, path); !there || !value.Equals(value.NewValueInterface(now), value.NewValueInterface(before)) {
				return fmt.Sprintf("%s is %v, want %v as it was", path, now, before)
			}
			return ""
		})
		if current.GetLabels()["example.com/owner"] != "somebody" {
			w.t.Errorf("a label of somebody else went with %s", path)
		}
		return true
	}
	return false
}

// deletes removes an object and waits for the next of its name.
func (w *world) deletes(object *unstructured.Unstructured) {
	w.t.Helper()
	next := object.DeepCopy()
	w.must(w.Delete(w.t.Context(), next, client.PropagationPolicy("Background")))
	w.eventually(func() string {
		if err := w.Get(context.Background(), client.ObjectKeyFromObject(object), next); err != nil {
			return err.Error()
		}
		if next.GetUID() == object.GetUID() {
			return "it is still there"
		}
		return ""
	})
}
