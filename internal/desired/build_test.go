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

// What a running server takes up changes the configuration and no pod.
func TestReloadedSettingsRollNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*v1alpha1.RAGServiceSpec){
		"models.llm.model":           func(s *v1alpha1.RAGServiceSpec) { s.Models.LLM.Model = "another" },
		"models.llm.temperature":     func(s *v1alpha1.RAGServiceSpec) { s.Models.LLM.Temperature = "0.7" },
		"models.llm.contextTokens":   func(s *v1alpha1.RAGServiceSpec) { s.Models.LLM.ContextTokens = new(int32(4096)) },
		"models.llm.maxTokens":       func(s *v1alpha1.RAGServiceSpec) { s.Models.LLM.MaxTokens = new(int32(64)) },
		"models.llm.timeout":         func(s *v1alpha1.RAGServiceSpec) { s.Models.LLM.Timeout = "10s" },
		"models.llm.idleTimeout":     func(s *v1alpha1.RAGServiceSpec) { s.Models.LLM.IdleTimeout = "5s" },
		"retrieval.topK":             func(s *v1alpha1.RAGServiceSpec) { s.Retrieval.TopK = new(int32(7)) },
		"retrieval.maxTopK":          func(s *v1alpha1.RAGServiceSpec) { s.Retrieval.MaxTopK = new(int32(60)) },
		"retrieval.chunking.words":   func(s *v1alpha1.RAGServiceSpec) { s.Retrieval.Chunking.Words = new(int32(300)) },
		"retrieval.chunking.overlap": func(s *v1alpha1.RAGServiceSpec) { s.Retrieval.Chunking.OverlapWords = new(int32(10)) },
		"cache.enabled":              func(s *v1alpha1.RAGServiceSpec) { s.Cache.Enabled = new(false) },
		"cache.ttl.search":           func(s *v1alpha1.RAGServiceSpec) { s.Cache.TTL.Search = "2h" },
		"cache.ttl.llm":              func(s *v1alpha1.RAGServiceSpec) { s.Cache.TTL.LLM = "1m" },
		"cache.local.maxBytes":       func(s *v1alpha1.RAGServiceSpec) { s.Cache.Local.MaxBytes = "32Mi" },
		"cache.generation":           func(s *v1alpha1.RAGServiceSpec) { s.Cache.Generation = new(int64(1)) },
		"cache.jitterPercent":        func(s *v1alpha1.RAGServiceSpec) { s.Cache.JitterPercent = new(int32(0)) },
		"cache.staleIfError":         func(s *v1alpha1.RAGServiceSpec) { s.Cache.StaleIfError = "1m" },
		"cache.warm.popular":         func(s *v1alpha1.RAGServiceSpec) { s.Cache.Warm.Popular = new(int32(3)) },
		"cache.noCacheTiers":         func(s *v1alpha1.RAGServiceSpec) { s.Cache.NoCacheTiers = []string{"free"} },
		"rateLimits.cachedResponses": func(s *v1alpha1.RAGServiceSpec) { s.RateLimits.CachedResponses = v1alpha1.CachedResponsesFree },
		"models.llm.onUnavailable": func(s *v1alpha1.RAGServiceSpec) {
			s.Models.LLM.OnUnavailable = v1alpha1.OnUnavailableExtract
		},
		"rateLimits.refill":         func(s *v1alpha1.RAGServiceSpec) { s.RateLimits.Refill = v1alpha1.RefillWholeTokens },
		"rateLimits.onStoreFailure": func(s *v1alpha1.RAGServiceSpec) { s.RateLimits.OnStoreFailure = v1alpha1.StoreFailureDeny },
		"rateLimits.shadow":         func(s *v1alpha1.RAGServiceSpec) { s.RateLimits.Shadow = new(true) },
		"rateLimits.tenant": func(s *v1alpha1.RAGServiceSpec) {
			s.RateLimits.Tenant = &v1alpha1.SharedLimit{RequestsPerMinute: 5}
		},
		"rateLimits.service": func(s *v1alpha1.RAGServiceSpec) {
			s.RateLimits.Service = &v1alpha1.SharedLimit{RequestsPerMinute: 5}
		},
		"rateLimits.defaultTier": func(s *v1alpha1.RAGServiceSpec) { s.RateLimits.DefaultTier = "premium" },
		"rateLimits.endpoints":   func(s *v1alpha1.RAGServiceSpec) { s.RateLimits.Endpoints = oneEndpoint() },
		"auth.mode":              func(s *v1alpha1.RAGServiceSpec) { s.Auth.Mode = v1alpha1.AuthModeAnonymous },
		"auth.jwt.audiences": func(s *v1alpha1.RAGServiceSpec) {
			s.Auth.Mode = v1alpha1.AuthModeJWT
			s.Auth.JWT = &v1alpha1.JWTSpec{Issuer: "https://login", Audiences: []string{"rag"}, JWKSURL: "https://login/keys"}
		},
		"auth.trustedHeader.networks": func(s *v1alpha1.RAGServiceSpec) {
			s.Auth.Mode = v1alpha1.AuthModeTrustedHeader
			s.Auth.TrustedHeader = &v1alpha1.TrustedHeaderSpec{Networks: []string{"10.0.0.0/8"}}
		},
		"auth.trustedProxies.depth":  func(s *v1alpha1.RAGServiceSpec) { s.Auth.TrustedProxies.Depth = new(int32(1)) },
		"logging.level":              func(s *v1alpha1.RAGServiceSpec) { s.Logging.Level = v1alpha1.LogLevelDebug },
		"logging.logQueries":         func(s *v1alpha1.RAGServiceSpec) { s.Logging.LogQueries = v1alpha1.LogQueriesNone },
		"logging.dailyVolumeLimit":   func(s *v1alpha1.RAGServiceSpec) { s.Logging.DailyVolumeLimit = "1Gi" },
		"logging.slowQueryThreshold": func(s *v1alpha1.RAGServiceSpec) { s.Logging.SlowQueryThreshold = "2s" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := build(t, desiredtest.Inputs(desiredtest.Full()))
			rag := desiredtest.Full()
			change(&rag.Spec)
			after := build(t, desiredtest.Inputs(rag))
			if before.ConfigHash == after.ConfigHash {
				t.Error("the configuration's hash did not change")
			}
			if diff := cmp.Diff(templates(t, before), templates(t, after)); diff != "" {
				t.Errorf("a pod template changed:\n%s", diff)
			}
		})
	}
}

func oneEndpoint() []v1alpha1.EndpointLimit {
	return []v1alpha1.EndpointLimit{{Name: v1alpha1.EndpointAsk, RequestsPerMinute: 3, Cost: new(int32(1))}}
}

// What a running pod does not take up rolls the pods that it concerns, and no others.
func TestWhatRollsPods(t *testing.T) {
	t.Parallel()
	server, cache, state, search := desired.ComponentServer, desired.ComponentRedisCache, desired.ComponentRedisState, desired.ComponentOpenSearch
	for name, test := range map[string]struct {
		change func(*desired.Inputs)
		rolled []desired.Component
	}{
		"another model's address": {
			func(in *desired.Inputs) { in.Service.Spec.Models.LLM.BaseURL = "https://llm.example.com:8443/v2" }, []desired.Component{server},
		},
		"server image": {func(in *desired.Inputs) { in.Service.Spec.Server.Image = "x" }, []desired.Component{server}},
		"files of the log": {
			func(in *desired.Inputs) { in.Service.Spec.Logging.File = v1alpha1.LogFileSpec{} }, []desired.Component{server},
		},
		"size of the log's files": {
			func(in *desired.Inputs) { in.Service.Spec.Logging.File.MaxBytes = "1Gi" }, []desired.Component{server},
		},
		"server resources": {func(in *desired.Inputs) { in.Service.Spec.Server.Resources = desiredtest.Requests("1", "1Gi") }, []desired.Component{server}},
		"server secrets":   {func(in *desired.Inputs) { in.Secrets.RollHashes[server] = "another" }, []desired.Component{server}},
		"llm key of another name": {
			func(in *desired.Inputs) { in.Service.Spec.Models.LLM.APIKeySecretRef.Name = "other" }, []desired.Component{server},
		},
		"languages": {
			func(in *desired.Inputs) { in.Service.Spec.Retrieval.Languages = []v1alpha1.Language{"de"} }, []desired.Component{server},
		},
		"addresses": {func(in *desired.Inputs) { in.Service.Namespace = "other" }, []desired.Component{search, server}},
		"redis image": {
			func(in *desired.Inputs) { in.Service.Spec.Redis.Managed.Image = "x" }, []desired.Component{cache, state},
		},
		"redis memory": {
			func(in *desired.Inputs) { in.Service.Spec.Redis.Managed.CacheMemory = "64Mi" }, []desired.Component{cache},
		},
		"redis resources": {
			func(in *desired.Inputs) { in.Service.Spec.Redis.Managed.Resources = nil }, []desired.Component{cache, state},
		},
		"redis password of the cache": {
			func(in *desired.Inputs) { in.Secrets.RollHashes[cache] = "another" }, []desired.Component{cache},
		},
		"opensearch image": {
			func(in *desired.Inputs) { in.Service.Spec.OpenSearch.Managed.Image = "x" }, []desired.Component{search},
		},
		"opensearch heap": {
			func(in *desired.Inputs) { in.Service.Spec.OpenSearch.Managed.Heap = "1Gi" }, []desired.Component{search},
		},
		"shards of the index": {
			func(in *desired.Inputs) { in.Service.Spec.OpenSearch.Index.Shards = new(int32(5)) }, []desired.Component{server},
		},
		"copies of the index": {
			func(in *desired.Inputs) { in.Service.Spec.OpenSearch.Index.Replicas = new(int32(1)) }, nil,
		},
		"operator's images, where the spec names its own": {
			func(in *desired.Inputs) {
				in.Operator.Images = desired.Images{Server: "x", Redis: "y", OpenSearch: "z"}
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := templates(t, build(t, desiredtest.Inputs(desiredtest.Full())))
			in := desiredtest.Inputs(desiredtest.Full())
			test.change(&in)
			after := templates(t, build(t, in))
			var rolled []desired.Component
			for _, c := range slices.Sorted(maps.Keys(after)) {
				if !cmp.Equal(before[c], after[c]) {
					rolled = append(rolled, c)
				}
			}
			if diff := cmp.Diff(slices.Sorted(slices.Values(test.rolled)), rolled); diff != "" {
				t.Errorf("components whose pods roll (-want +got):\n%s", diff)
			}
		})
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

// A scale step is no change of the configuration, so that nothing waits for it; servers learn of it all the same.
func TestScalingChangesNoConfigHash(t *testing.T) {
	t.Parallel()
	rag := desiredtest.Full()
	before := build(t, desiredtest.Inputs(rag))
	rag.Spec.Server.Replicas = new(int32(7))
	after := build(t, desiredtest.Inputs(rag))
	if before.ConfigHash != after.ConfigHash {
		t.Errorf("the hash is %s before and %s after", before.ConfigHash, after.ConfigHash)
	}
	if diff := cmp.Diff(templates(t, before), templates(t, after)); diff != "" {
		t.Errorf("a pod template changed:\n%s", diff)
	}
	if !slices.ContainsFunc(after.Objects(), func(o desired.Object) bool {
		return strings.Contains(toJSON(t, o.Config), `replicas: 7`)
	}) {
		t.Error("the servers are not told")
	}
	rag.Spec.Retrieval.TopK = new(*rag.Spec.Retrieval.TopK + 1)
	if build(t, desiredtest.Inputs(rag)).ConfigHash == after.ConfigHash {
		t.Error("another topK has the same hash")
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
		if made.Annotations["role"] != "reader" || made.Annotations[desired.AnnotationServiceUID] != string(rag.UID) {
			t.Errorf("%s: the ServiceAccount has annotations %v", component, made.Annotations)
		}
	}
}
