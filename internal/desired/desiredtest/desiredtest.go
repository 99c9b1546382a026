// Package desiredtest has RAGServices as an API server completes them, and inputs to build their objects from.
package desiredtest

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// Smallest is the least that a manifest can say, as the API server completes it.
func Smallest() *v1alpha1.RAGService {
	return &v1alpha1.RAGService{
		ObjectMeta: metav1.ObjectMeta{Namespace: "search", Name: "papers", UID: "5c6d7e8f-0000-4000-8000-000000000001"},
		Spec: v1alpha1.RAGServiceSpec{
			Server: v1alpha1.ServerSpec{Replicas: new(int32(2)), Service: v1alpha1.ServiceSpec{Type: v1alpha1.ServiceTypeClusterIP}},
			Models: v1alpha1.ModelsSpec{LLM: v1alpha1.LLMSpec{Provider: v1alpha1.LLMProviderExtractive}},
			Retrieval: v1alpha1.RetrievalSpec{
				TopK: new(int32(5)), MaxTopK: new(int32(50)),
				Chunking: v1alpha1.ChunkingSpec{Words: new(int32(600)), OverlapWords: new(int32(100))},
			},
			Cache: v1alpha1.CacheSpec{
				Enabled:    new(true),
				TTL:        v1alpha1.CacheTTLSpec{Search: "1h", LLM: "15m"},
				Local:      v1alpha1.LocalCacheSpec{MaxBytes: "64Mi"},
				Generation: new(int64(0)),
			},
			RateLimits:     v1alpha1.RateLimitsSpec{DefaultTier: "free"},
			Auth:           v1alpha1.AuthSpec{Mode: v1alpha1.AuthModeAPIKey},
			Logging:        v1alpha1.LoggingSpec{Level: v1alpha1.LogLevelInfo, LogQueries: v1alpha1.LogQueriesHash, SlowQueryThreshold: "1s", DailyVolumeLimit: "100Mi", File: v1alpha1.LogFileSpec{Enabled: new(false)}},
			NetworkPolicy:  v1alpha1.NetworkPolicySpec{Enabled: new(true)},
			DeletionPolicy: v1alpha1.DeletionPolicyRetain,
		},
	}
}

// Full sets all that Smallest leaves out.
func Full() *v1alpha1.RAGService {
	rag := Smallest()
	rag.Spec.Server.Replicas = new(int32(3))
	rag.Spec.Server.Image = "example.com/ragserver:2"
	rag.Spec.Server.Resources = Requests("500m", "256Mi")
	rag.Spec.Server.Scheduling = v1alpha1.SchedulingSpec{
		NodeSelector:      map[string]string{"kubernetes.io/arch": "amd64"},
		Tolerations:       []corev1.Toleration{{Key: "example.com/search", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}},
		PriorityClassName: "important",
		Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{
				{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "gpu", Operator: corev1.NodeSelectorOpDoesNotExist}}},
			}},
		}},
	}
	rag.Spec.Server.PodMetadata = v1alpha1.PodMetadata{
		Labels: map[string]v1alpha1.LabelValue{"example.com/team": "search"}, Annotations: v1alpha1.ObjectAnnotations{"sidecar.istio.io/inject": "false"},
	}
	rag.Spec.Server.ServiceAccountAnnotations = v1alpha1.ObjectAnnotations{"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/search"}
	rag.Spec.Server.Env = []v1alpha1.EnvVar{{Name: "HTTPS_PROXY", Value: "http://proxy.example.com:3128"}}
	rag.Spec.Server.Service = v1alpha1.ServiceSpec{
		Type: v1alpha1.ServiceTypeLoadBalancer, Annotations: v1alpha1.ObjectAnnotations{"networking.gke.io/load-balancer-type": "Internal"},
	}
	rag.Spec.Server.Ingress = &v1alpha1.IngressSpec{
		ClassName: "nginx", Hosts: []v1alpha1.Hostname{"rag.example.com", "*.rag.example.com"}, Path: "/api",
		TLS:         &v1alpha1.IngressTLS{SecretName: "rag-tls"},
		Annotations: v1alpha1.ObjectAnnotations{"cert-manager.io/cluster-issuer": "letsencrypt"},
	}
	rag.Spec.Logging.File = v1alpha1.LogFileSpec{Enabled: new(true), MaxBytes: "512Mi"}
	rag.Spec.Redis.Managed = &v1alpha1.ManagedRedis{
		Image: "example.com/redis:8", CacheMemory: "1Gi", StateStorage: "2Gi", StorageClassName: new("fast"),
		Resources: Requests("100m", "3Gi"),
	}
	rag.Spec.OpenSearch.Index = v1alpha1.IndexSpec{Name: "library", Shards: new(int32(3))}
	rag.Spec.OpenSearch.Managed = &v1alpha1.ManagedOpenSearch{
		Image: "example.com/opensearch:3", Heap: "2Gi", Storage: "50Gi", StorageClassName: new("fast"),
		Resources: Requests("2", "4Gi"),
	}
	rag.Spec.OpenSearch.Snapshots = &v1alpha1.SnapshotsSpec{
		Repository: v1alpha1.SnapshotRepository{ClaimName: "backups"}, Schedule: "0 3 * * *", Keep: new(int32(14)),
	}
	rag.Spec.Models.LLM = v1alpha1.LLMSpec{
		Provider: v1alpha1.LLMProviderOpenAI, BaseURL: "https://llm.example.com:8443/v1", Model: "llama3.2:1b",
		Temperature: "0.2", MaxTokens: new(int32(1024)), Timeout: "30s", IdleTimeout: "15s",
		APIKeySecretRef: &v1alpha1.SecretKeyReference{Name: "llm", Key: "token"},
		Fallbacks: []v1alpha1.LLMFallback{
			{BaseURL: "http://spare.models.svc:8000/v1", Model: "spare"},
			{
				BaseURL: "https://far.example.com:9443/v1", Model: "far", APIKeySecretRef: &v1alpha1.SecretKeyReference{Name: "far", Key: "token"},
				CASecretRef: &v1alpha1.SecretKeyReference{Name: "authority-of-far", Key: "ca.pem"},
			},
		},
	}
	rag.Spec.Alerts.Receivers = Receivers()
	rag.Spec.Auth.APIKeysSecretRef = &v1alpha1.SecretReference{Name: "callers"}
	rag.Spec.ImagePullSecrets = []v1alpha1.SecretReference{{Name: "registry"}}
	rag.Spec.Models.LLM.CASecretRef = &v1alpha1.SecretKeyReference{Name: "authority", Key: "bundle.pem"}
	rag.Spec.NetworkPolicy.Egress = []v1alpha1.EgressRule{
		{CIDR: "10.1.0.0/16", Port: new(int32(3128))},
		{
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "models"}},
			PodSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: "app", Operator: metav1.LabelSelectorOpIn, Values: []string{"vllm", "tei"}},
			}},
			Port: new(int32(8000)), Protocol: corev1.ProtocolTCP,
		},
	}
	return rag
}

// ExternalRedis is Smallest with a Redis that the operator does not run: the buckets are in a Redis of their own.
func ExternalRedis() *v1alpha1.RAGService {
	rag := Smallest()
	rag.Spec.Redis.External = &v1alpha1.ExternalRedis{
		RedisConnection: v1alpha1.RedisConnection{
			Mode: v1alpha1.RedisModeCluster, Addresses: []v1alpha1.RedisAddress{"redis-0.redis.stores.svc:6379", "redis-1.redis.stores.svc:6379"},
			AuthSecretRef: &v1alpha1.SecretReference{Name: "redis-user"},
		},
		State: &v1alpha1.ExternalRedisState{RedisConnection: v1alpha1.RedisConnection{
			Mode: v1alpha1.RedisModeSentinel, Addresses: []v1alpha1.RedisAddress{"a.example.com:26379", "b.example.com:26379"}, MasterName: "buckets",
			AuthSecretRef: &v1alpha1.SecretReference{Name: "buckets-user"},
			TLS:           &v1alpha1.RedisTLS{CASecretRef: &v1alpha1.SecretKeyReference{Name: "authority", Key: "bundle.pem"}, ServerName: "buckets.example.com"},
		}},
	}
	return rag
}

// RedisTLS is Smallest with TLS between the servers and the managed Redis.
func RedisTLS() *v1alpha1.RAGService {
	rag := Smallest()
	rag.Spec.Redis.Managed = &v1alpha1.ManagedRedis{TLS: &v1alpha1.ManagedRedisTLS{Mode: v1alpha1.ManagedRedisTLSEnabled}}
	return rag
}

// Receivers are one of each kind, with credentials in the Secret alerts.
func Receivers() *v1alpha1.AlertReceivers {
	entry := func(key string) v1alpha1.SecretKeyReference {
		return v1alpha1.SecretKeyReference{Name: "alerts", Key: key}
	}
	return &v1alpha1.AlertReceivers{
		Email: &v1alpha1.EmailReceiver{
			To: []v1alpha1.EmailAddress{"oncall@example.com", "search@example.com"}, From: "rag@example.com", Smarthost: "smtp.example.com:587",
			AuthUsername: "rag", AuthPasswordSecretRef: new(entry("smtp-password")),
		},
		Slack:     &v1alpha1.SlackReceiver{WebhookURLSecretRef: entry("slack-url"), Channel: "#search"},
		PagerDuty: &v1alpha1.PagerDutyReceiver{RoutingKeySecretRef: entry("pagerduty-key"), URL: "https://events.eu.pagerduty.com/v2/enqueue"},
		SMS:       &v1alpha1.SMSReceiver{WebhookURLSecretRef: entry("sms-url")},
		Webhook:   &v1alpha1.WebhookReceiver{URLSecretRef: new(entry("webhook-url"))},
	}
}

// Anonymous is Smallest without keys of clients.
func Anonymous() *v1alpha1.RAGService {
	rag := Smallest()
	rag.Spec.Auth.Mode = v1alpha1.AuthModeAnonymous
	return rag
}

// Requests are requested resources without limits.
func Requests(cpu, memory string) *corev1.ResourceRequirements {
	return &corev1.ResourceRequirements{Requests: corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
	}}
}

// Inputs are those of rag when all its Secrets are there but the one with the password of Redis.
func Inputs(rag *v1alpha1.RAGService) desired.Inputs {
	return desired.Inputs{
		Service: rag,
		Operator: desired.OperatorOptions{
			ID:        "operators.ragservice-operator",
			Images:    desired.Images{Server: "ragserver:1", Redis: "redis:8", OpenSearch: "opensearch:3"},
			Namespace: "ragservice-system",
		},
		Secrets: desired.SecretFacts{
			RollHashes: map[desired.Component]string{
				desired.ComponentServer:     "hash-of-the-servers-secrets",
				desired.ComponentRedisCache: "hash-of-the-password",
				desired.ComponentRedisState: "hash-of-the-password",
			},
			Candidates: []desired.GeneratedSecret{{Name: "papers-redis", Data: map[string][]byte{"password": []byte("drawn")}}},
		},
	}
}
