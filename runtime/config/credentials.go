package config

// Credentials are the secrets of a server. They never appear in Config, logs, metrics or errors.
type Credentials struct {
	// RedisPassword is the password of both Redis instances; empty for none.
	RedisPassword string
	// LLMAPIKey is sent to the model as a bearer token; empty for none.
	LLMAPIKey string
	// LLMFallbackKeys are sent to the models of LLM.Fallbacks, in their order; empty for none.
	LLMFallbackKeys []string
	// LLMCA are certificates in PEM that the models' servers are trusted by, beside those of the system; empty for none. They are no
	// secret, and come the same way.
	LLMCA string
	// APIKeys are the keys of callers.
	APIKeys []APIKey
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
	// RedisSecretDir holds the file RedisPasswordFile.
	RedisSecretDir = "redis"
	// RedisPasswordFile holds the password of both Redis instances.
	RedisPasswordFile = "password"
	// LLMSecretDir holds the file LLMAPIKeyFile (the operator projects the referenced entry to that name).
	LLMSecretDir = "llm"
	// LLMAPIKeyFile holds the key that is sent to the model.
	LLMAPIKeyFile = "api-key"
	// LLMFallbackSecretDir with the index of a fallback holds the file LLMAPIKeyFile with its key.
	LLMFallbackSecretDir = "llm-fallback-" //nolint:gosec // a folder, not a secret
	// LLMCADir holds the file LLMCAFile.
	LLMCADir = "llm-ca"
	// LLMCAFile holds the certificates that sign that of the model's server, in PEM.
	LLMCAFile = "ca.crt"
	// APIKeysSecretDir holds one file for each key.
	APIKeysSecretDir = "api-keys"
)
