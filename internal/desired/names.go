package desired

import (
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// Kind is the kind of the owner of every child.
const Kind = "RAGService"

// Name is the name of the objects of a component of the RAGService called service: Deployment or StatefulSet, Service,
// ConfigMap, ServiceAccount, PodDisruptionBudget and NetworkPolicy share it.
func Name(service string, c Component) string { return service + "-" + string(c) }

// headlessName is the name of the Service by which OpenSearch nodes find each other, ready or not.
func headlessName(service string) string { return Name(service, ComponentOpenSearch) + "-headless" }

// RedisSecretName is the name of the generated Secret with Redis's password.
func RedisSecretName(service string) string { return service + "-redis" }

// RedisTLSSecretName is the name of the generated Secret with the certificates of a managed Redis.
func RedisTLSSecretName(service string) string { return service + "-redis-tls" }

// HashKeysSecretName is the name of the generated Secret with the keys of hashes.
func HashKeysSecretName(service string) string { return service + "-hash-keys" }

// APIKeysSecretName is the name of the Secret of callers' keys: the one that the spec names, else the generated one.
func APIKeysSecretName(rag *v1alpha1.RAGService) string {
	if ref := rag.Spec.Auth.APIKeysSecretRef; ref != nil {
		return ref.Name
	}
	return rag.Name + "-api-keys"
}

// Entries of generated Secrets.
const (
	// RedisPasswordKey holds the password, RedisAuthConfKey the line of redis.conf that requires it.
	RedisPasswordKey = "password"
	RedisAuthConfKey = "auth.conf"
	// RedisAuthoritiesKey holds the certificates of authorities that servers trust, RedisCertificateKey and RedisCertificateKeyKey what
	// Redis shows, RedisAuthorityKeyKey the key of the first authority, which only the operator reads.
	RedisAuthoritiesKey    = "ca.crt"
	RedisCertificateKey    = "tls.crt"
	RedisCertificateKeyKey = "tls.key"
	RedisAuthorityKeyKey   = "ca.key"
	// RollHashKey holds the key of roll hashes, CallerHashKey that of the hashes which stand for callers in logs and in Redis.
	RollHashKey   = "roll"
	CallerHashKey = "caller"
	// AdminAPIKey and ClientAPIKey are the keys that the operator draws when the spec names no Secret.
	AdminAPIKey  = "admin"
	ClientAPIKey = "client"
)

// Annotations of the operator.
const (
	// AnnotationConfigHash on the server's ConfigMap is config.Hash of config.yaml. On a store's it is the hash of what
	// its pods read when they start; they carry it too, and roll with it.
	AnnotationConfigHash = "ragservice.dev/config-hash"
	// AnnotationSecretsHash on pods is SecretFacts.RollHashes of their component; a rotated Secret rolls them.
	AnnotationSecretsHash = "ragservice.dev/secrets-hash" //nolint:gosec // the name of a hash
	// AnnotationStartHash on the server's pods is the hash of what a server reads when it starts and does not reload: the
	// stores' addresses and the languages of its documents.
	AnnotationStartHash = "ragservice.dev/start-hash"
	// AnnotationServiceUID on a child or a volume is the UID of the RAGService that made it. A child that lost its owner
	// reference is known by it; a volume that stayed carries another.
	AnnotationServiceUID = "ragservice.dev/service-uid"
	// AnnotationRotatedAt on a generated Secret is the AnnotationRotateAt that its contents were generated for.
	AnnotationRotatedAt = "ragservice.dev/rotated-at"
	// AnnotationClusterUUID on a volume of OpenSearch is the UUID of the cluster that its node has joined.
	AnnotationClusterUUID = "ragservice.dev/cluster-uuid"
	// AnnotationEmptied is on the volume claim of a node of OpenSearch that may go: what it held is elsewhere. It is taken off before the
	// node comes back.
	AnnotationEmptied = "ragservice.dev/emptied"
	// AnnotationSeveralNodes is on the StatefulSet of an OpenSearch that has, or once had, several nodes: they are asked how their
	// cluster is.
	AnnotationSeveralNodes = "ragservice.dev/several-nodes"
)

// Ports. A name in a pod is that of the container's port.
const (
	serverPort     int32 = 8080
	AdminPort      int32 = 8081
	redisPort      int32 = 6379
	OpenSearchPort int32 = 9200
	// transportPort is where OpenSearch nodes talk to each other.
	transportPort int32 = 9300
)

// Names of the containers that do a component's work.
const (
	ServerContainer     = "server"
	redisContainer      = "redis"
	openSearchContainer = "opensearch"
)

// DataVolume is the name of the volume of a store's pods, and of the claim template that it is made from.
const DataVolume = "data"

// ClaimName is the name of the volume claim of the first pod of a store.
func ClaimName(service string, c Component) string { return ClaimNameOf(Name(service, c) + "-0") }

// ClaimNameOf is the name of the volume claim of a store's pod.
func ClaimNameOf(pod string) string { return DataVolume + "-" + pod }
