package apply

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// overwrite is for an object that somebody changed so that what we apply does not fit beside it: of a Service whose port
// got another number, the apply would make two ports of one name; a PodDisruptionBudget holds maxUnavailable or minAvailable. A merge
// patch replaces the lists that we render whole, with what others added to them; when that does not do, another takes out every other
// field of the spec. What is refused then too, for being immutable, keeps the first error.
func (p *pass) overwrite(ctx context.Context, r rendered, v verdict, refused error) (*unstructured.Unstructured, error) {
	whole := r.DeepCopy()
	whole.SetResourceVersion(v.version)
	err := p.mergePatch(ctx, whole)
	if err != nil {
		if whole, err = p.withoutOtherFields(ctx, r, v); err != nil {
			return nil, fmt.Errorf("%w; %w", refused, err)
		}
		if p.mergePatch(ctx, whole) != nil {
			return nil, refused
		}
	}
	if err := p.disown(ctx, whole); err != nil {
		return nil, err
	}
	return p.apply(ctx, r)
}

// mergePatch writes object, which becomes what the API server has then.
func (p *pass) mergePatch(ctx context.Context, object *unstructured.Unstructured) error {
	data, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	return p.client.Patch(ctx, object, client.RawPatch(types.MergePatchType, data), FieldOwner)
}

// withoutOtherFields is r with null for each field of the spec that only the API server has, but for a number of pods that an
// autoscaler has.
func (p *pass) withoutOtherFields(ctx context.Context, r rendered, v verdict) (*unstructured.Unstructured, error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(r.GroupVersionKind())
	if err := p.live.Get(ctx, r.key(), live); err != nil {
		return nil, fmt.Errorf("reading it: %w", err)
	}
	whole := r.DeepCopy()
	whole.SetResourceVersion(v.version)
	spec, _ := whole.Object["spec"].(map[string]any)
	others, _ := live.Object["spec"].(map[string]any)
	for field := range others {
		if _, ours := spec[field]; !ours && spec != nil && field != "replicas" {
			spec[field] = nil
		}
	}
	return whole, nil
}

// disown gives the fields that a merge patch wrote to the apply of the same manager. A field that is no longer rendered would else
// stay: its writer would be the patch.
func (p *pass) disown(ctx context.Context, object *unstructured.Unstructured) error {
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(object, sets.New(string(FieldOwner)), string(FieldOwner))
	if err != nil || patch == nil {
		return err
	}
	return p.client.Patch(ctx, object, client.RawPatch(types.JSONPatchType, patch), FieldOwner)
}
