package desired_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

func external() *v1alpha1.RAGService {
	rag := desiredtest.Smallest()
	rag.Spec.OpenSearch.External = &v1alpha1.ExternalOpenSearch{
		URLs:                 []v1alpha1.OpenSearchURL{"https://search.stores.svc:9200", "https://search.example.com:9243"},
		CredentialsSecretRef: &v1alpha1.SecretReference{Name: "search"},
		CASecretRef:          &v1alpha1.SecretKeyReference{Name: "authority", Key: "bundle"},
	}
	return rag
}

// TestExternalOpenSearchHasNoObjects, and the servers have what they need to reach it.
func TestExternalOpenSearchHasNoObjects(t *testing.T) {
	t.Parallel()
	plan := build(t, desiredtest.Inputs(external()))
	for _, o := range plan.Objects() {
		if o.Component == desired.ComponentOpenSearch {
			t.Errorf("%s %s of an OpenSearch that somebody else runs", o.GVK.Kind, o.Key.Name)
		}
	}
	settings := string(render(t, build(t, desiredtest.Inputs(external()))))
	for _, want := range []string{"https://search.stores.svc:9200", "https://search.example.com:9243", "index: search.papers"} {
		if !strings.Contains(settings, want) {
			t.Errorf("nothing says %s", want)
		}
	}
	files := map[string][]string{}
	for _, v := range find[appsv1.Deployment](t, plan, "Deployment", "papers-server").Spec.Template.Spec.Volumes {
		if strings.HasPrefix(v.Name, "opensearch") {
			for _, item := range v.Secret.Items {
				files[v.Name] = append(files[v.Name], v.Secret.SecretName+"/"+item.Key+" "+item.Path)
			}
		}
	}
	want := map[string][]string{"opensearch": {"search/username username", "search/password password"}, "opensearch-ca": {"authority/bundle ca.crt"}}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files of Secrets (-want +got):\n%s", diff)
	}
	policy := find[networkingv1.NetworkPolicy](t, plan, "NetworkPolicy", "papers-server")
	reaches := func(holds func(networkingv1.NetworkPolicyEgressRule) bool) bool {
		return slices.ContainsFunc(policy.Spec.Egress, holds)
	}
	if !reaches(func(r networkingv1.NetworkPolicyEgressRule) bool {
		return len(r.To) == 1 && r.To[0].NamespaceSelector != nil && r.To[0].NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"] == "stores"
	}) || !reaches(func(r networkingv1.NetworkPolicyEgressRule) bool {
		return len(r.Ports) == 1 && r.Ports[0].Port.IntValue() == 9243
	}) {
		t.Errorf("the servers may not reach each URL: %v", policy.Spec.Egress)
	}
}

// TestTheManagedOpenSearchStaysWhileServersUseIt: until all of them are of the template that names another one.
func TestTheManagedOpenSearchStaysWhileServersUseIt(t *testing.T) {
	t.Parallel()
	plan := build(t, desiredtest.Inputs(external()))
	startHash := find[appsv1.Deployment](t, plan, "Deployment", "papers-server").Spec.Template.Annotations[desired.AnnotationStartHash]
	const claim = "data-papers-opensearch-0"
	claims := map[string]desired.ExistingClaim{claim: {Bound: true}}
	sets := map[desired.Component]desired.StatefulSet{desired.ComponentOpenSearch: {Name: "papers-opensearch"}}
	for name, test := range map[string]struct {
		children desired.Children
		stays    bool
		kept     string
	}{
		"before servers roll":      {desired.Children{StatefulSets: sets, Claims: claims, Serving: desired.Serving{StartHash: "before", RolledOut: true}}, true, ""},
		"while servers roll":       {desired.Children{StatefulSets: sets, Claims: claims, Serving: desired.Serving{StartHash: startHash}}, true, ""},
		"when they have rolled":    {desired.Children{StatefulSets: sets, Claims: claims, Serving: desired.Serving{StartHash: startHash, RolledOut: true}}, false, ""},
		"when it is gone":          {desired.Children{Claims: claims, Serving: desired.Serving{StartHash: startHash, RolledOut: true}}, false, claim},
		"when there never was one": {desired.Children{}, false, ""},
	} {
		in := desiredtest.Inputs(external())
		in.Children = test.children
		got := build(t, in).Component(desired.ComponentOpenSearch)
		if got.Stays != test.stays || got.Kept != test.kept {
			t.Errorf("%s: stays %t, keeps %q", name, got.Stays, got.Kept)
		}
	}
}

// TestDeletionPolicyReachesTheClaimThatIsKept: it goes with the RAGService, or stays, as the spec says now.
func TestDeletionPolicyReachesTheClaimThatIsKept(t *testing.T) {
	t.Parallel()
	in := desiredtest.Inputs(external())
	in.Service.Spec.DeletionPolicy = v1alpha1.DeletionPolicyDelete
	in.Claims = map[string]desired.ExistingClaim{"data-papers-opensearch-0": {Bound: true}}
	want := []desired.Action{desired.OwnClaim{Component: desired.ComponentOpenSearch, Name: "data-papers-opensearch-0", GoesWithService: true}}
	if diff := cmp.Diff(want, build(t, in).Component(desired.ComponentOpenSearch).Actions); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}
