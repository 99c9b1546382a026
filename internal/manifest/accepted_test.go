package manifest_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/manifest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// accepted are specs at the edges of what is allowed.
var accepted = []struct{ name, spec string }{
	{"smallest", extractive},
	{"every wrapper empty", extractive + "  server: {}\n  redis: {}\n  openSearch: {}\n  retrieval: {chunking: {}}\n  cache: {ttl: {}, local: {}}\n  rateLimits: {}\n  auth: {}\n  logging: {file: {}}\n  networkPolicy: {}\n"},
	{"nulls are defaults", extractive + "  server: {replicas: null}\n  cache: null\n  deletionPolicy: null\n"},
	{"OpenAI with the least", "  models: {llm: {provider: OpenAI, baseURL: 'http://llm.models.svc:8000/v1', model: 'llama3.2:1b'}}\n"},
	{"OpenAI with all", withLLM("temperature: '2', maxTokens: 131072, contextTokens: 131073, timeout: 5m, idleTimeout: 1s, apiKeySecretRef: {name: llm, key: api-key}")},
	{"baseURL of an IPv6 address", "  models: {llm: {provider: OpenAI, baseURL: 'http://[fd00::1]:65535', model: m}}\n"},
	{"no replicas", extractive + "  server: {replicas: 0}\n"},
	{"image by digest and resources", extractive + "  server: {image: 'registry.example.com:5000/a/b@sha256:0123', resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: '2Gi'}}}\n"},
	{"managed stores with their defaults", extractive + "  redis: {managed: {}}\n  openSearch: {managed: {}}\n"},
	{"an external Redis", extractive + "  redis: {external: {addresses: ['redis.example.com:6379']}}\n"},
	{"an external Redis by address", extractive + "  redis: {external: {addresses: ['[fd00::1]:6379'], tls: {}}}\n"},
	{"an external Redis with all", extractive + "  redis: {external: {mode: Cluster, addresses: ['10.0.0.1:6379', 'b:65535'], authSecretRef: {name: redis}, tls: {caSecretRef: {name: ca, key: ca.crt}, serverName: redis.example.com}, state: {mode: Sentinel, addresses: ['a:26379', 'b:26379'], masterName: my.primary_1, authSecretRef: {name: state}, tls: {}}}}\n"},
	{"a managed Redis with TLS", extractive + "  redis: {managed: {tls: {mode: Enabled}}}\n"},
	{"a managed Redis without TLS", extractive + "  redis: {managed: {tls: {}}}\n"},
	{"managed stores with all", extractive + "  redis: {managed: {image: r, cacheMemory: 16Mi, stateStorage: 64Mi, resources: {}}}\n  openSearch: {managed: {image: o, heap: 31Gi, storage: 16Ti, storageClassName: fast, resources: {}}}\n"},
	{"every language", extractive + "  retrieval: {languages: [ar, da, de, en, es, fi, fr, ga, hu, it, nb, nl, pt, ro, ru, sv, ta, tr]}\n"},
	{"retrieval at its bounds", extractive + "  retrieval: {topK: 200, maxTopK: 200, chunking: {words: 20, overlapWords: 10}}\n"},
	{"cache at its bounds", extractive + "  cache: {enabled: false, ttl: {search: 720h, llm: 1000ms}, local: {maxBytes: 16Gi}, generation: 9007199254740993}\n"},
	{"stale results at their bounds", extractive + "  cache: {staleIfError: 0s, jitterPercent: 0}\n"},
	{"stale results for a day", extractive + "  cache: {staleIfError: 24h, jitterPercent: 50}\n"},
	{"resilience", extractive + "  resilience: {retries: 0, initialBackoff: 100ms, circuitBreaker: {failures: 100, openFor: 1h}, maxInFlight: 1, queueTimeout: 0s}\n"},
	{"fallbacks", withLLM("maxTokens: 1024, fallbacks: [{baseURL: 'http://a/v1', model: m, contextTokens: 1025}, {baseURL: 'https://b', model: other, apiKeySecretRef: {name: a, key: b}, caSecretRef: {name: c, key: d}}], caSecretRef: {name: a, key: b}")},
	{"prices", "  models: {llm: {provider: OpenAI, baseURL: 'http://llm/v1', model: m, pricing: {promptUSDPerMillion: '0.15', completionUSDPerMillion: '999.9999'}}}\n"},
	{"answers without the model", "  models: {llm: {provider: OpenAI, baseURL: 'http://llm/v1', model: m, onUnavailable: Extract}}\n"},
	{"limits with all", extractive + "  rateLimits: {refill: WholeTokens, onStoreFailure: Deny, shadow: true, tenant: {requestsPerMinute: 1}, service: {requestsPerMinute: 1000000}}\n"},
	{"questions asked before", extractive + "  cache: {warm: {questions: ['How long?', 'Wie lange?'], popular: 100}}\n"},
	{"no-cache for tiers", extractive + "  cache: {noCacheTiers: [premium, enterprise]}\n  rateLimits: {cachedResponses: Free}\n"},
	{"no-cache for own tiers", extractive + "  cache: {noCacheTiers: [gold]}\n  rateLimits: {defaultTier: gold, tiers: [{name: gold, requestsPerMinute: 1}]}\n"},
	{"compound duration", extractive + "  cache: {ttl: {search: 1h30m10s}}\n"},
	{"tiers of one's own", extractive + "  rateLimits: {defaultTier: gold, tiers: [{name: gold, requestsPerMinute: 1000000}], endpoints: [{name: ask, requestsPerMinute: 1, burst: 1000000, cost: 1000, tiers: [{name: gold, requestsPerMinute: 2}]}]}\n"},
	{"product's tier on an endpoint", extractive + "  rateLimits: {endpoints: [{name: documents, requestsPerMinute: 1, tiers: [{name: enterprise, requestsPerMinute: 2}]}]}\n"},
	{"tokens of an issuer", extractive + "  auth: {mode: JWT, jwt: {issuer: 'https://login', audiences: [rag], jwksURL: 'https://login.example.com:8443/keys?v=1', caSecretRef: {name: a, key: b}, algorithms: [EdDSA, PS512], claims: {tenant: 'https://example.com/tenant'}}}\n"},
	{"a proxy that says who asks", extractive + "  auth: {mode: TrustedHeader, trustedHeader: {networks: [10.0.0.0/8, 'fd00::/8'], role: X-Role}}\n"},
	{"proxies before anonymous callers", extractive + "  auth: {mode: Anonymous, trustedProxies: {depth: 1, networks: ['2001:db8::/32']}}\n"},
	{"alerts to webhooks of the cluster", extractive + "  alerts: {receivers: {webhook: {url: 'http://alerts.monitoring.svc:9099/hook'}, sms: {webhookURLSecretRef: {name: a, key: b}}}}\n"},
	{"alerts by mail without a login", extractive + "  alerts: {receivers: {email: {to: [a@example.com], from: b@example.com, smarthost: '[2001:db8::1]:25'}}}\n"},
	{"alerts at their bounds", extractive + "  alerts: {errorRate: {percent: 99, for: 0s}, latencyP95: {threshold: 10ms, for: 30m}, cacheHitRate: {percent: 100}, llmAvailability: {mode: Disabled}, diskUsage: {percent: 1}}\n"},
	{"budgets", priced("dailyTokens: 1000000000000, dailyUSD: '0.01', monthlyUSD: '999999.99', timeZone: America/Argentina/Buenos_Aires, onExceeded: Alert")},
	{"budgets of tenants", priced("timeZone: Etc/GMT+12, perTenant: {dailyTokens: 1, dailyUSD: '5', monthlyUSD: '5.5'}")},
	{"a budget of tokens without a price", withLLM("temperature: '0'") + "  budgets: {dailyTokens: 1, onExceeded: Deny}\n"},
	{"suspended", extractive + "  suspend: true\n"},
	{"anonymous", extractive + "  auth: {mode: Anonymous}\n"},
	{"keys of one's own", extractive + "  auth: {apiKeysSecretRef: {name: keys}}\n"},
	{"objectives at their bounds", extractive + "  alerts: {errorRate: {objectivePercent: \"95\"}}\n"},
	{"a strict objective", extractive + "  alerts: {errorRate: {objectivePercent: \"99.99\"}}\n"},
	{"alert rules", extractive + "  monitoring: {prometheusRule: {mode: Disabled, labels: {role: alerts}}}\n"},
	{"monitoring", extractive + "  monitoring: {scrapeFrom: [{namespaceSelector: {}}, {podSelector: {}}], serviceMonitor: {mode: Auto, labels: {release: p}, interval: 5m}}\n"},
	{"traces", extractive + "  monitoring: {tracing: {endpoint: 'http://collector.monitoring.svc:4317/', samplingPercent: 0}}\n"},
	{"traces by HTTP", extractive + "  monitoring: {tracing: {endpoint: 'https://otlp.example.com:4317/otlp', protocol: HTTP, samplingPercent: 100, headersSecretRef: {name: a, key: b}, caSecretRef: {name: a, key: c}}}\n"},
	{"monitoring without a ServiceMonitor", extractive + "  monitoring: {serviceMonitor: {mode: Disabled}}\n"},
	{"egress", extractive + "  networkPolicy: {egress: [{cidr: 10.0.0.0/8, port: 65535}, {cidr: 'fd00::/8', port: 1}, {cidr: 10.0.0.0/8, protocol: UDP}, {podSelector: {}}]}\n"},
	{"no policies", extractive + "  networkPolicy: {enabled: false}\n"},
	{"web pages", extractive + "  server: {cors: {allowedOrigins: ['https://app.example.com', 'http://localhost:3000', 'http://[::1]:5173']}}\n"},
	{"every web page", extractive + "  server: {cors: {allowedOrigins: ['*']}}\n"},
	{"metadata of pods", extractive + "  server: {podMetadata: {labels: {example.com/team: search, app.kubernetes.io/version: v1}, annotations: {sidecar.istio.io/inject: 'false'}}, serviceAccountAnnotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::1:role/rag'}}\n  redis: {managed: {podMetadata: {labels: {a: ''}}}}\n"},
	{"environment", extractive + "  server: {env: [{name: HTTPS_PROXY, value: 'http://proxy.example.com:3128'}, {name: no_proxy}]}\n"},
	{"autoscaling", extractive + "  server: {autoscaling: {maxReplicas: 2}}\n"},
	{"autoscaling at its bounds", extractive + "  server: {replicas: 1, autoscaling: {minReplicas: 100, maxReplicas: 100, targetCPUUtilizationPercentage: 1000}}\n"},
	{"ingress", extractive + "  server: {ingress: {hosts: [rag]}}\n"},
	{"ingress with all", extractive + "  server: {ingress: {className: nginx, hosts: [1.rag.example.com, '*.example.com'], path: /api/v1/, tls: {secretName: rag.tls}, annotations: {cert-manager.io/cluster-issuer: letsencrypt}}}\n"},
	{"gateway", extractive + "  server: {gateway: {parentRefs: [{name: public}]}}\n"},
	{"gateway with all", extractive + "  server: {gateway: {parentRefs: [{name: public, namespace: infra, sectionName: https.a, port: 443}, {name: public}], hostnames: ['*.example.com', rag]}}\n"},
	{"scheduling", extractive + "  server: {minAvailable: 100, scheduling: {nodeSelector: {disk: ssd}, tolerations: [{operator: Exists}], priorityClassName: system-x.y, affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: gpu, operator: DoesNotExist}]}]}}}, topologySpreadConstraints: [{topologyKey: zone, maxSkew: 1, whenUnsatisfiable: DoNotSchedule}, {topologyKey: zone, maxSkew: 2, whenUnsatisfiable: ScheduleAnyway}]}}\n"},
	{"load balancer", extractive + "  server: {service: {type: LoadBalancer, annotations: {a.example.com/internal: 'true'}}}\n"},
	{"nodes and copies", extractive + "  openSearch: {managed: {nodes: 9}, index: {replicas: 8}}\n"},
	{"external OpenSearch", extractive + "  openSearch: {external: {urls: ['https://a:9200', 'https://b:9200/path'], credentialsSecretRef: {name: s}, caSecretRef: {name: s, key: ca.crt}}, index: {replicas: 2}}\n"},
	{"external OpenSearch without TLS", extractive + "  openSearch: {external: {urls: ['http://search.stores.svc:9200']}}\n"},
	{"snapshots on a volume", extractive + "  openSearch: {snapshots: {repository: {claimName: backups}, schedule: '*/15 0-23/2 1,15 * 1-5', keep: 1000}}\n"},
	{"snapshots in a repository", extractive + "  openSearch: {external: {urls: ['https://a']}, snapshots: {repository: {name: s3.backups_1}, schedule: '@hourly'}}\n"},
	{"index of its own", extractive + "  openSearch: {index: {name: papers.2026-v1_a, shards: 32, replicas: 0}}\n"},
	{"memory at its limits", extractive + "  server: {resources: {limits: {memory: 128Mi}}}\n  redis: {managed: {cacheMemory: 100Mi, stateStorage: 250Mi, resources: {limits: {memory: 125Mi}}}}\n  openSearch: {managed: {heap: 1Gi, resources: {limits: {memory: 2Gi}}}}\n"},
	{"buckets of a large volume", extractive + "  redis: {managed: {stateStorage: 1Ti, resources: {limits: {memory: 2Gi}}}}\n"},
	{"a large cache in memory", extractive + "  server: {resources: {limits: {memory: 4Gi}}}\n  cache: {local: {maxBytes: 2Gi}}\n"},
	{"a large cache without a limit", extractive + "  server: {resources: {requests: {memory: 4Gi}}}\n  cache: {local: {maxBytes: 2Gi}}\n"},
	{"limits as numbers", extractive + "  openSearch: {managed: {heap: 512Mi, resources: {limits: {memory: 1073741824}}}}\n"},
	{"logging at its bounds", extractive + "  logging: {logQueries: Full, slowQueryThreshold: 10m, dailyVolumeLimit: 1Ti, file: {enabled: true, maxBytes: 16Mi}}\n"},
	{"no slow queries", extractive + "  logging: {logQueries: None, slowQueryThreshold: 0s, dailyVolumeLimit: 1024Ki, file: {enabled: false}}\n"},
	{"the rest", extractive + "  logging: {level: CRITICAL}\n  deletionPolicy: Delete\n"},
}

func TestAcceptedOfflineAndByAPIServerAlike(t *testing.T) {
	api := newClient(t)
	for i, tt := range accepted {
		t.Run(tt.name, func(t *testing.T) {
			name := fmt.Sprintf("accepted-%d", i)
			text := withSpec(name, tt.spec)
			m, err := manifest.Load([]byte(text))
			if err != nil {
				t.Fatalf("offline: %v", err)
			}
			if err := create(t, api, text); err != nil {
				t.Fatalf("API server: %v", err)
			}
			var stored v1alpha1.RAGService
			key := client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: name}
			if err := api.Get(context.Background(), key, &stored); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(stored.Spec, m.Service.Spec); diff != "" {
				t.Errorf("spec with defaults (-API server +offline):\n%s", diff)
			}
			if diff := cmp.Diff(stored.Status, m.Service.Status); diff != "" {
				t.Errorf("status (-API server +offline):\n%s", diff)
			}
		})
	}
}

// TestDefaults shows what becomes of the smallest manifest: no union has a member, and nothing that depends on another
// field is written.
func TestDefaults(t *testing.T) {
	m, err := manifest.Load([]byte(withSpec("smallest", extractive)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := yaml.Marshal(m.Service)
	if err != nil {
		t.Fatal(err)
	}
	const path = "testdata/defaults.yaml"
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
