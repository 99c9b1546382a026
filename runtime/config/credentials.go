package config

// Credentials are the secrets of a server. They never appear in Config, logs, metrics or errors.
type Credentials struct {
	// RedisCache and RedisState are for the two Redis instances. They are the same when the instances have one Secret.
	RedisCache, RedisState RedisCredentials
	// OpenSearch is for the search engine.
	OpenSearch OpenSearchCredentials
	// LLMAPIKey is sent to the model as a bearer token; empty for none.
	LLMAPIKey string
	// LLMFallbackKeys are sent to the models of LLM.Fallbacks, in their order; empty for none.
	LLMFallbackKeys []string
	// LLMCA are certificates in PEM that the models' servers are trusted by, beside those of the system; empty for none. They are no
	// secret, and come the same way.
	LLMCA string
	// LLMFallbackCAs are those of the fallbacks, in their order; empty for LLMCA.
	LLMFallbackCAs []string
	// JWTCA are those of the issuer of tokens.
	JWTCA string
	// TracingHeaders are sent with spans; see ParseTracingHeaders. TracingCA are certificates in PEM that their endpoint is trusted by.
	TracingHeaders, TracingCA string
	// APIKeys are the keys of callers.
	APIKeys []APIKey
	// CallerHashKey keys the hashes that stand for callers in logs and in Redis, the same in all servers of a service; empty where nobody
	// generates one.
	CallerHashKey string
}

// RedisCredentials are those of a Redis. Each is empty for none.
type RedisCredentials struct {
	Username, Password string
	// SentinelUsername and SentinelPassword are for the sentinels themselves.
	SentinelUsername, SentinelPassword string
	// CA are certificates in PEM that Redis and its sentinels are trusted by, in place of those of the system. They are no secret.
	CA string
}

// OpenSearchCredentials are those of an OpenSearch. Each is empty for none.
type OpenSearchCredentials struct {
	// Username and Password are sent over TLS alone.
	Username, Password string
	// CA are certificates in PEM that it is trusted by, in place of those of the system. They are no secret.
	CA string
}

// APIKey is a caller's key: one entry of the Secret of API keys.
type APIKey struct {
	// Name is the entry's name and stands for the caller in logs.
	Name string `json:"-"`
	// Key is the key itself, at least 128 random bits.
	Key string `json:"key"`
	// Tier is the caller's tier; empty for the default tier.
	Tier string `json:"tier,omitempty"`
	// Tenant is whose documents the caller sees; empty for "default".
	Tenant string `json:"tenant,omitempty"`
	// Role is "admin" or "client"; empty means client.
	Role string `json:"role,omitempty"`
	// Groups are those in whose name the caller finds documents that name groups.
	Groups []string `json:"groups,omitempty"`
}

// Files of credentials in a server's pod: one folder for each Secret, mounted whole so that a rotation reaches it.
const (
	// DefaultConfigFile is where the operator mounts the configuration.
	DefaultConfigFile = "/etc/ragservice/config/config.yaml"
	// DefaultSecretsDir is where the operator mounts Secrets, in the folders named below.
	DefaultSecretsDir = "/etc/ragservice/secrets" //nolint:gosec // a folder, not a secret
	// RedisSecretDir holds the files of RedisCredentials for the cache, RedisStateSecretDir those for the state.
	RedisSecretDir      = "redis"
	RedisStateSecretDir = "redis-state"
	// RedisPasswordFile and the files below hold RedisCredentials.
	RedisPasswordFile         = "password"
	RedisUsernameFile         = "username"
	RedisSentinelPasswordFile = "sentinel-password"
	RedisSentinelUsernameFile = "sentinel-username"
	// RedisCADir holds the file AuthorityFile for the cache, RedisStateCADir that for the state.
	RedisCADir      = "redis-ca"
	RedisStateCADir = "redis-state-ca"
	// OpenSearchSecretDir holds the files OpenSearchUsernameFile and OpenSearchPasswordFile, OpenSearchCADir the file AuthorityFile.
	OpenSearchSecretDir    = "opensearch"
	OpenSearchUsernameFile = "username"
	OpenSearchPasswordFile = "password"
	OpenSearchCADir        = "opensearch-ca"
	// LLMSecretDir holds the file LLMAPIKeyFile (the operator projects the referenced entry to that name).
	LLMSecretDir = "llm"
	// LLMAPIKeyFile holds the key that is sent to the model.
	LLMAPIKeyFile = "api-key"
	// LLMFallbackSecretDir with the index of a fallback holds the file LLMAPIKeyFile with its key.
	LLMFallbackSecretDir = "llm-fallback-" //nolint:gosec // a folder, not a secret
	// LLMCADir holds the file AuthorityFile, LLMFallbackCADir with the index of a fallback that of its server, JWTCADir that of the issuer
	// of tokens.
	LLMCADir         = "llm-ca"
	LLMFallbackCADir = "llm-fallback-ca-"
	JWTCADir         = "jwt-ca"
	// TracingSecretDir holds the file TracingHeadersFile, TracingCADir the file AuthorityFile.
	TracingSecretDir   = "tracing"
	TracingHeadersFile = "headers"
	TracingCADir       = "tracing-ca"
	// AuthorityFile holds the certificates that sign a server's, in PEM.
	AuthorityFile = "ca.crt"
	// APIKeysSecretDir holds one file for each key.
	APIKeysSecretDir = "api-keys"
	// HashKeysSecretDir holds the file CallerHashKeyFile.
	HashKeysSecretDir = "hash-keys"
	CallerHashKeyFile = "caller"
	// MinHashKey is the least length of a key of hashes, in bytes: 128 bits, as of callers' keys.
	MinHashKey = 16
)
