package desired_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

// planOf is the plan of a component.
func planOf(t *testing.T, in desired.Inputs, c desired.Component) desired.ComponentPlan {
	t.Helper()
	for _, plan := range build(t, in).Components {
		if plan.Name == c {
			return plan
		}
	}
	t.Fatalf("there is no plan of %s", c)
	return desired.ComponentPlan{}
}

func TestClaimsAreOwnedAndGrow(t *testing.T) {
	t.Parallel()
	const name = "data-papers-opensearch-0"
	own := func(goes bool) desired.Action {
		return desired.OwnClaim{Component: desired.ComponentOpenSearch, Name: name, GoesWithService: goes}
	}
	grow := desired.GrowClaim{Component: desired.ComponentOpenSearch, Name: name, Size: resource.MustParse("3Gi")}
	for title, test := range map[string]struct {
		policy v1alpha1.DeletionPolicy
		claim  *desired.ExistingClaim
		want   []desired.Action
	}{
		"there is none":             {v1alpha1.DeletionPolicyDelete, nil, nil},
		"stays, as it shall":        {v1alpha1.DeletionPolicyRetain, &desired.ExistingClaim{Size: resource.MustParse("3Gi")}, nil},
		"stays, and shall go":       {v1alpha1.DeletionPolicyDelete, &desired.ExistingClaim{Size: resource.MustParse("3Gi")}, []desired.Action{own(true)}},
		"goes, and shall stay":      {v1alpha1.DeletionPolicyRetain, &desired.ExistingClaim{GoesWithService: true, Size: grow.Size}, []desired.Action{own(false)}},
		"too small":                 {v1alpha1.DeletionPolicyRetain, &desired.ExistingClaim{Bound: true, Size: resource.MustParse("1Gi")}, []desired.Action{grow}},
		"too small, without a disk": {v1alpha1.DeletionPolicyRetain, &desired.ExistingClaim{Size: resource.MustParse("1Gi")}, nil},
		"larger than asked for":     {v1alpha1.DeletionPolicyRetain, &desired.ExistingClaim{Bound: true, Size: resource.MustParse("5Gi")}, nil},
	} {
		in := desiredtest.Inputs(desiredtest.Smallest())
		in.Service.Spec.DeletionPolicy = test.policy
		in.Service.Spec.OpenSearch.Managed = &v1alpha1.ManagedOpenSearch{Storage: "3Gi"}
		if test.claim != nil {
			in.Claims = map[string]desired.ExistingClaim{name: *test.claim}
		}
		if diff := cmp.Diff(test.want, planOf(t, in, desired.ComponentOpenSearch).Actions); diff != "" {
			t.Errorf("%s (-want +got):\n%s", title, diff)
		}
	}
}

func TestStatefulSetsThatCannotBeChangedGoFirst(t *testing.T) {
	t.Parallel()
	in := desiredtest.Inputs(desiredtest.Smallest())
	in.Service.Spec.OpenSearch.Managed = &v1alpha1.ManagedOpenSearch{Storage: "3Gi"}
	for title, test := range map[string]struct {
		maker types.UID
		size  string
		want  bool
	}{
		"as it shall be":             {in.Service.UID, "3072Mi", false},
		"larger":                     {in.Service.UID, "5Gi", false},
		"smaller":                    {in.Service.UID, "1Gi", true},
		"left by an earlier service": {"earlier", "3Gi", true},
		"made before it was stamped": {"", "3Gi", false},
	} {
		set := desired.StatefulSet{
			Name: "papers-opensearch", UID: "set", ResourceVersion: "7", Deleting: true,
			Volume: &desired.VolumeTemplate{Maker: test.maker, Size: resource.MustParse(test.size)},
		}
		in.StatefulSets = map[desired.Component]desired.StatefulSet{desired.ComponentOpenSearch: set}
		var want *desired.DeleteStatefulSet
		if test.want {
			want = &desired.DeleteStatefulSet{
				Component: desired.ComponentOpenSearch, Name: set.Name, UID: set.UID, ResourceVersion: set.ResourceVersion, Deleting: true,
			}
		}
		if diff := cmp.Diff(want, planOf(t, in, desired.ComponentOpenSearch).Removal); diff != "" {
			t.Errorf("%s (-want +got):\n%s", title, diff)
		}
		withheld := in
		withheld.Secrets.Problems = []desired.SecretProblem{{Reason: v1alpha1.ReasonSecretNotFound, Stores: []desired.Component{desired.ComponentOpenSearch}}}
		if got := planOf(t, withheld, desired.ComponentOpenSearch).Removal; got != nil {
			t.Errorf("%s: it goes though nothing is written in its place: %v", title, got)
		}
	}
}
