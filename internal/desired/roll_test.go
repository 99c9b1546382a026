package desired_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

func TestRollOfOpenSearch(t *testing.T) {
	t.Parallel()
	const ready, unready = true, false
	node := func(name, revision string, ready bool) desired.Node {
		return desired.Node{Name: name, UID: types.UID("uid-" + name), Revision: revision, Ready: ready}
	}
	const leaves = "some are to leave" // the spec asks for one
	deleting := node("a", "old", ready)
	deleting.Deleting = true
	for name, test := range map[string]struct {
		nodes desired.Nodes
		want  []string
	}{
		"nothing runs":                   {desired.Nodes{}, nil},
		"no pod yet":                     {desired.Nodes{Wanted: 1, Revision: "new"}, nil},
		"the revision is not known":      {desired.Nodes{Wanted: 1, Pods: []desired.Node{node("a", "old", ready)}}, nil},
		"one node, of the latest":        {desired.Nodes{Wanted: 1, Revision: "new", Pods: []desired.Node{node("a", "new", unready)}}, nil},
		"one node waits for no health":   {desired.Nodes{Wanted: 1, Revision: "new", Pods: []desired.Node{node("a", "old", ready)}}, []string{"a"}},
		"one node that is not ready":     {desired.Nodes{Wanted: 1, Revision: "new", Pods: []desired.Node{node("a", "old", unready)}}, []string{"a"}},
		"one node that is being deleted": {desired.Nodes{Wanted: 1, Revision: "new", Pods: []desired.Node{deleting}}, nil},
		"green: one at a time": {desired.Nodes{Wanted: 3, Revision: "new", Green: true, Pods: []desired.Node{
			node("a", "old", ready), node("b", "old", ready), node("c", "new", ready),
		}}, []string{"a"}},
		"not green, or not known": {desired.Nodes{Wanted: 3, Revision: "new", Pods: []desired.Node{
			node("a", "old", ready), node("b", "old", ready), node("c", "new", ready),
		}}, nil},
		"another is not ready": {desired.Nodes{Wanted: 3, Revision: "new", Green: true, Pods: []desired.Node{
			node("a", "old", ready), node("b", "old", ready), node("c", "new", unready),
		}}, nil},
		"another is missing": {desired.Nodes{Wanted: 3, Revision: "new", Green: true, Pods: []desired.Node{
			node("b", "old", ready), node("c", "new", ready),
		}}, nil},
		"another is being deleted": {desired.Nodes{Wanted: 3, Revision: "new", Green: true, Pods: []desired.Node{
			deleting, node("b", "old", ready), node("c", "old", ready),
		}}, nil},
		"those that are not ready go at once, the ready wait": {desired.Nodes{Wanted: 3, Revision: "new", Green: true, Pods: []desired.Node{
			node("a", "old", ready), node("b", "old", unready), node("c", "old", unready),
		}}, []string{"b", "c"}},
		leaves: {desired.Nodes{Wanted: 3, Revision: "new", Green: true, Pods: []desired.Node{
			node("a", "old", ready), node("b", "new", ready), node("c", "new", ready),
		}}, nil},
		"some are still told to leave": {desired.Nodes{Wanted: 3, Revision: "new", Green: true, Leaving: []string{"b"}, Pods: []desired.Node{
			node("a", "old", ready), node("b", "new", ready), node("c", "new", ready),
		}}, nil},
	} {
		in := desiredtest.Inputs(desiredtest.Smallest())
		in.OpenSearch = test.nodes
		in.Service.Spec.OpenSearch.Managed = &v1alpha1.ManagedOpenSearch{Nodes: new(max(1, test.nodes.Wanted))}
		if name == leaves {
			in.Service.Spec.OpenSearch.Managed = nil
		}
		var want []desired.Action
		for _, pod := range test.want {
			want = append(want, desired.DeletePod{Component: desired.ComponentOpenSearch, Name: pod, UID: types.UID("uid-" + pod)})
		}
		if diff := cmp.Diff(want, build(t, in).AllActions()); diff != "" {
			t.Errorf("%s: actions (-want +got):\n%s", name, diff)
		}
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
		"server image": {func(in *desired.Inputs) { in.Service.Spec.Server.Image = "x" }, []desired.Component{server, desired.ComponentSnapshots}},
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
		"schedule of snapshots": {func(in *desired.Inputs) {
			in.Service.Spec.OpenSearch.Snapshots.Schedule, in.Service.Spec.OpenSearch.Snapshots.Keep = "@hourly", new(int32(2))
		}, nil},
		"volume of snapshots": {
			func(in *desired.Inputs) { in.Service.Spec.OpenSearch.Snapshots.Repository.ClaimName = "x" }, []desired.Component{search},
		},
		"no snapshots": {func(in *desired.Inputs) { in.Service.Spec.OpenSearch.Snapshots = nil }, []desired.Component{search}},
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
