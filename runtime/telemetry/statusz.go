package telemetry

// Statusz is what a server says of itself on its admin port at /statusz, for the operator. It holds numbers, hashes and
// words of the lists below, never text from outside.
type Statusz struct {
	// PodUID is the UID of the server's pod, from the environment variable POD_UID; it shows the operator that an
	// address has not passed to another pod.
	PodUID  string `json:"podUID,omitempty"`
	Version string `json:"version"`
	Ready   bool   `json:"ready"`
	// ConfigHash is config.Hash of the configuration that runs.
	ConfigHash string `json:"configHash"`
	// RejectedConfigHash is that of a newer configuration that the server refused; empty when there is none.
	RejectedConfigHash string `json:"rejectedConfigHash,omitempty"`
	// RefusedKeys is how many entries of the Secret of API keys are not used, because they are no keys.
	RefusedKeys int `json:"refusedKeys,omitempty"`
	// OpenSearch, RedisCache, RedisState and LLM are the last known states of what the server depends on.
	OpenSearch DependencyState `json:"openSearch"`
	RedisCache DependencyState `json:"redisCache"`
	RedisState DependencyState `json:"redisState"`
	LLM        DependencyState `json:"llm"`
	// OpenSearchFault, RedisCacheFault and RedisStateFault say why one is down; empty otherwise.
	OpenSearchFault DependencyFault `json:"openSearchFault,omitempty"`
	RedisCacheFault DependencyFault `json:"redisCacheFault,omitempty"`
	RedisStateFault DependencyFault `json:"redisStateFault,omitempty"`
	// OpenSearchBlocked says that OpenSearch answers, but takes no writes: a disk is full, or somebody has blocked an index.
	OpenSearchBlocked bool `json:"openSearchBlocked,omitempty"`
	// RedisStateEvicts says that the Redis with the buckets may evict them.
	RedisStateEvicts bool `json:"redisStateEvicts,omitempty"`
	// WindowSeconds is how long Cache looks back.
	WindowSeconds int `json:"windowSeconds"`
	// Cache counts, for each kind of result, the requests of the window (BYPASS excluded).
	Cache []CacheCount `json:"cache"`
	// Started is when the server began to count, in seconds since 1970.
	Started int64 `json:"started"`
	// Minutes are the last MinutesKept minutes in which something was counted, in order, that which runs included.
	Minutes []Minute `json:"minutes,omitempty"`
	// Budgets are those of the service that are set, by what the server knows.
	Budgets []BudgetState `json:"budgets,omitempty"`
}

// DependencyState is what a server knows of a dependency.
type DependencyState string

// States of dependencies.
const (
	// DependencyUp answered when last asked.
	DependencyUp DependencyState = "up"
	// DependencyDown failed when last asked (for a model: at least half of its last requests).
	DependencyDown DependencyState = "down"
	// DependencyUnknown has not been asked.
	DependencyUnknown DependencyState = "unknown"
	// DependencyUnused is not part of this service.
	DependencyUnused DependencyState = "unused"
)

// DependencyFault is why a server cannot use a dependency. Further words are those of the metrics' label outcome.
type DependencyFault string

// Faults of dependencies.
const (
	// FaultDNS: its name does not resolve.
	FaultDNS DependencyFault = "dns"
	// FaultRefused: nothing listens at its address, or something on the way refuses.
	FaultRefused DependencyFault = "refused"
	// FaultTimeout: no answer in the time allowed.
	FaultTimeout DependencyFault = "timeout"
	// FaultUnreachable: no connection, or it broke.
	FaultUnreachable DependencyFault = "unreachable"
	// FaultForeign: what answers at its address is something else.
	FaultForeign DependencyFault = "foreign_store"
	// FaultTLS: its certificate is not trusted.
	FaultTLS DependencyFault = "tls"
	// FaultAuth: it refuses the password.
	FaultAuth DependencyFault = "auth"
	// FaultUnready: it answers that it cannot work now: it starts, or its cluster is red.
	FaultUnready DependencyFault = "unready"
	// FaultBlocked: it takes no writes, mostly because a disk is full.
	FaultBlocked DependencyFault = "blocked"
)

// CacheCount is the traffic of one kind of result: "search" counts search requests, "llm" ask and stream requests.
type CacheCount struct {
	Kind   string `json:"kind"`
	Hits   int64  `json:"hits"`
	Misses int64  `json:"misses"`
}
