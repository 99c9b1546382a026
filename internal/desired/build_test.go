package desired_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

func TestBuildIsPure(t *testing.T) {
	t.Parallel()
	in := desiredtest.Inputs(desiredtest.Full())
	before := toJSON(t, in)
	first, second := build(t, in), build(t, in)
	if diff := cmp.Diff(toJSON(t, first), toJSON(t, second)); diff != "" {
		t.Errorf("two builds of the same inputs differ:\n%s", diff)
	}
	if diff := cmp.Diff(before, toJSON(t, in)); diff != "" {
		t.Errorf("Build changed its inputs:\n%s", diff)
	}
}

// Selectors can never change, so they hold the three labels that never do.
func TestSelectorsHoldThreeLabels(t *testing.T) {
	t.Parallel()
	want := []string{desired.LabelComponent, desired.LabelInstance, desired.LabelName}
	for _, o := range build(t, desiredtest.Inputs(desiredtest.Full())).Objects() {
		for _, selector := range selectors(t, o) {
			if got := slices.Sorted(maps.Keys(selector)); !slices.Equal(got, want) {
				t.Errorf("%s of %s selects by %v, want %v", decode[metav1.TypeMeta](t, o.Config).Kind, o.Key, got, want)
			}
		}
	}
}

// selectors are the label selectors of o that find pods.
func selectors(t *testing.T, o desired.Object) []map[string]string {
	t.Helper()
	type spec struct {
		Selector    json.RawMessage       `json:"selector"`
		PodSelector *metav1.LabelSelector `json:"podSelector"`
	}
	s := decode[struct {
		Spec spec `json:"spec"`
	}](t, o.Config).Spec
	if s.PodSelector != nil {
		return []map[string]string{s.PodSelector.MatchLabels}
	}
	if s.Selector == nil {
		return nil
	}
	if decode[metav1.TypeMeta](t, o.Config).Kind == "Service" {
		return []map[string]string{decode[map[string]string](t, s.Selector)}
	}
	return []map[string]string{decode[metav1.LabelSelector](t, s.Selector).MatchLabels}
}

func TestEveryObjectIsOwnedAndLabelled(t *testing.T) {
	t.Parallel()
	rag := desiredtest.Full()
	for _, o := range build(t, desiredtest.Inputs(rag)).Objects() {
		meta := decode[metav1.PartialObjectMetadata](t, o.Config)
		want := desired.Labels(rag.Name, o.Component)
		want[desired.LabelOperator] = "operators.ragservice-operator"
		if diff := cmp.Diff(want, meta.Labels); diff != "" {
			t.Errorf("labels of %s %s (-want +got):\n%s", meta.Kind, meta.Name, diff)
		}
		if by := metav1.GetControllerOf(&meta); by == nil || by.UID != rag.UID {
			t.Errorf("%s %s is not controlled by the RAGService", meta.Kind, meta.Name)
		}
		if o.Key.Name != meta.Name || o.Key.Namespace != meta.Namespace {
			t.Errorf("key %s of %s/%s", o.Key, meta.Namespace, meta.Name)
		}
		if o.GVK != meta.GroupVersionKind() {
			t.Errorf("kind %s of %s", o.GVK, meta.GroupVersionKind())
		}
	}
}

// What a workload's pods read when they start is written before it; what only leads to them, or scales them, does not hold them up.
func TestWorkloadIsWrittenAfterWhatItsPodsRead(t *testing.T) {
	t.Parallel()
	rag := desiredtest.Full()
	rag.Spec.Server.Autoscaling = &v1alpha1.AutoscalingSpec{MaxReplicas: 9}
	after := map[desired.Component][]string{}
	for _, o := range build(t, desiredtest.Inputs(rag)).Objects() {
		if kinds, written := after[o.Component]; written {
			after[o.Component] = append(kinds, o.GVK.Kind)
		} else if o.IsWorkload() {
			after[o.Component] = []string{}
		}
	}
	want := map[desired.Component][]string{
		desired.ComponentRedisCache: {}, desired.ComponentRedisState: {}, desired.ComponentOpenSearch: {},
		desired.ComponentServer: {"Ingress", "HorizontalPodAutoscaler"},
	}
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("kinds after the workloads (-want +got):\n%s", diff)
	}
}

func TestOperatorImagesApplyWhereTheSpecNamesNone(t *testing.T) {
	t.Parallel()
	got := map[desired.Component]string{}
	for c, template := range templates(t, build(t, desiredtest.Inputs(desiredtest.Smallest()))) {
		got[c] = template.Spec.Containers[0].Image
	}
	want := map[desired.Component]string{
		desired.ComponentServer: "ragserver:1", desired.ComponentOpenSearch: "opensearch:3",
		desired.ComponentRedisCache: "redis:8", desired.ComponentRedisState: "redis:8",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}

func TestProblemsWithholdTheServer(t *testing.T) {
	t.Parallel()
	missing := desired.SecretProblem{Field: "spec.auth.apiKeysSecretRef", Secret: "callers", Reason: v1alpha1.ReasonSecretNotFound}
	taken := desired.SecretProblem{
		Secret: "papers-redis", Reason: v1alpha1.ReasonNameConflict,
		Stores: []desired.Component{desired.ComponentRedisCache, desired.ComponentRedisState},
	}
	for name, test := range map[string]struct {
		problems []desired.SecretProblem
		want     []desired.Component
	}{
		"none":                  {nil, nil},
		"a key that is none":    {[]desired.SecretProblem{{Secret: "callers", Key: "bob", Reason: v1alpha1.ReasonKeyRefused}}, nil},
		"a missing Secret":      {[]desired.SecretProblem{missing}, []desired.Component{desired.ComponentServer}},
		"Redis's name is taken": {[]desired.SecretProblem{missing, taken}, []desired.Component{"redis-cache", "redis-state", "server"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := desiredtest.Inputs(desiredtest.Full())
			in.Secrets.Problems = test.problems
			in.SecretsHashes = map[desired.Component]string{}
			for _, c := range desired.Components() {
				in.SecretsHashes[c] = "of what runs"
			}
			state := build(t, in)
			if diff := cmp.Diff(test.want, state.Withheld); diff != "" {
				t.Errorf("withheld (-want +got):\n%s", diff)
			}
			for c, template := range templates(t, state) {
				kept := template.Annotations[desired.AnnotationSecretsHash] == "of what runs"
				if kept != slices.Contains(test.want, c) {
					t.Errorf("pods of %s keep the hash of their Secrets: %t", c, kept)
				}
			}
			if state.ConfigHash == "" {
				t.Error("the rest is missing")
			}
		})
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A ResourceQuota on requests and limits refuses pods of which one container lacks them.
func TestDefaultsPassAQuota(t *testing.T) {
	t.Parallel()
	rag := desiredtest.Full()
	rag.Spec.Server.Resources, rag.Spec.Redis.Managed, rag.Spec.OpenSearch.Managed = nil, nil, nil
	containers := 0
	for _, o := range build(t, desiredtest.Inputs(rag)).Objects() {
		spec := decode[struct {
			Spec struct {
				Template struct {
					Spec corev1.PodSpec `json:"spec"`
				} `json:"template"`
			} `json:"spec"`
		}](t, o.Config).Spec.Template.Spec
		for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
			containers++
			for _, list := range []corev1.ResourceList{c.Resources.Requests, c.Resources.Limits} {
				if list.Cpu().IsZero() || list.Memory().IsZero() {
					t.Errorf("container %s of %s has resources %v", c.Name, o.Key.Name, c.Resources)
				}
			}
		}
	}
	if containers < 4 {
		t.Errorf("%d containers", containers)
	}
}

// The schema refuses the operator's own keys; if they came all the same, selectors and rolls would still hold.
func TestMetadataOfPods(t *testing.T) {
	t.Parallel()
	given := v1alpha1.PodMetadata{
		Labels:      map[string]v1alpha1.LabelValue{desired.LabelComponent: "other", desired.LabelOperator: "other", "team": "search"},
		Annotations: v1alpha1.ObjectAnnotations{desired.AnnotationSecretsHash: "other", desired.AnnotationConfigHash: "other", "mesh": "off"},
	}
	account := v1alpha1.ObjectAnnotations{desired.AnnotationServiceUID: "other", "role": "reader"}
	rag := desiredtest.Full()
	rag.Spec.Server.PodMetadata, rag.Spec.Server.ServiceAccountAnnotations = given, account
	rag.Spec.Redis.Managed.PodMetadata, rag.Spec.Redis.Managed.ServiceAccountAnnotations = given, account
	rag.Spec.OpenSearch.Managed.PodMetadata, rag.Spec.OpenSearch.Managed.ServiceAccountAnnotations = given, account
	plan := build(t, desiredtest.Inputs(rag))
	before := templates(t, build(t, desiredtest.Inputs(desiredtest.Full())))
	for component, template := range templates(t, plan) {
		if template.Labels["team"] != "search" || template.Annotations["mesh"] != "off" {
			t.Errorf("%s: pods have labels %v and annotations %v", component, template.Labels, template.Annotations)
		}
		for _, own := range []string{desired.LabelComponent, desired.LabelOperator} {
			if template.Labels[own] != before[component].Labels[own] {
				t.Errorf("%s: label %s is %q", component, own, template.Labels[own])
			}
		}
		for own, hash := range before[component].Annotations {
			if strings.HasPrefix(own, "ragservice.dev/") && template.Annotations[own] != hash {
				t.Errorf("%s: annotation %s is %q, want %q", component, own, template.Annotations[own], hash)
			}
		}
		made := find[corev1.ServiceAccount](t, plan, "ServiceAccount", desired.Name(rag.Name, component))
		if role := made.Annotations["role"]; (role == "reader") == (component == desired.ComponentSnapshots) || made.Annotations[desired.AnnotationServiceUID] != string(rag.UID) {
			t.Errorf("%s: the ServiceAccount has annotations %v", component, made.Annotations)
		}
	}
}
