package logging

import "time"

// Event is something that the log tells. The types below are all there are: their names, levels and attributes are a contract, which
// alerts and dashboards match and docs/logs.md lists. Attributes that have nothing to say are left out.
type Event interface {
	// describe writes the event into a line: its name and level, then its attributes, always in the same order.
	describe(l *line)
}

// ServerStarted is the first line of a server that listens.
type ServerStarted struct {
	Version, Listen, AdminListen, ConfigHash string
	// Manifest, DataDir and KeysFile are those of a server that runs alone.
	Manifest, DataDir, KeysFile string
	// Mode is pod or alone.
	Mode string
}

func (e ServerStarted) describe(l *line) {
	l.is("server_started", LevelInfo)
	l.string("version", e.Version)
	l.string("listen", e.Listen)
	l.string("admin_listen", e.AdminListen)
	l.string("config_hash", e.ConfigHash)
	l.string("manifest", e.Manifest)
	l.string("data_dir", e.DataDir)
	l.string("keys_file", e.KeysFile)
	l.string("mode", e.Mode)
}

// ServerDraining is a server that takes no new connections after Delay and waits for requests until Timeout.
type ServerDraining struct {
	Delay, Timeout time.Duration
	// Connections and Requests are open when the drain begins.
	Connections, Requests int64
}

func (e ServerDraining) describe(l *line) {
	l.is("server_draining", LevelInfo)
	l.ms("delay_ms", e.Delay)
	l.ms("timeout_ms", e.Timeout)
	l.int("connections", e.Connections)
	l.int("requests", e.Requests)
}

// ServerStopped is the last line of a server that ended because it was told to. Err is what was cut off or could not be closed.
type ServerStopped struct{ Err error }

func (e ServerStopped) describe(l *line) {
	level := LevelInfo
	if e.Err != nil {
		level = LevelWarning
	}
	l.is("server_stopped", level)
	l.error(e.Err)
}

// ServerFailed is the last line of a server that could not start or go on.
type ServerFailed struct{ Err error }

func (e ServerFailed) describe(l *line) {
	l.is("server_failed", LevelCritical)
	l.error(e.Err)
}

// ConnectionFailed is a connection that broke before or after a request.
type ConnectionFailed struct{ Err error }

func (e ConnectionFailed) describe(l *line) {
	l.is("connection_failed", LevelDebug)
	l.error(e.Err)
}

// RequestCompleted is written for each request to the API when it ends, whatever became of it.
type RequestCompleted struct {
	RequestID string
	Method    string
	// Route is the pattern that matched; empty when none did.
	Route  string
	Status int
	// Code is that of the error.
	Code string
	// Refusal is what is wrong with what the caller has shown of itself, which it is not told.
	Refusal error
	Query   Query
	// Cache is how the cache served the result, as X-Cache says it, and Age how old that was.
	Cache string
	Age   time.Duration
	// Bytes of the answer's body.
	Bytes int64
	Took  time.Duration
}

func (e RequestCompleted) describe(l *line) {
	l.is("request_completed", LevelInfo)
	l.string("request_id", e.RequestID)
	l.string("method", e.Method)
	l.string("route", e.Route)
	l.int("status", int64(e.Status))
	l.string("code", e.Code)
	l.error(e.Refusal)
	l.query(e.Query)
	l.string("cache", e.Cache)
	if e.Age > 0 {
		l.int("age_s", int64(e.Age/time.Second))
	}
	l.int("bytes", e.Bytes)
	l.ms("took_ms", e.Took)
}

// SearchQuery is a query that was admitted.
type SearchQuery struct {
	Route string
	Query Query
}

func (e SearchQuery) describe(l *line) {
	l.is("search_query", LevelDebug)
	l.string("route", e.Route)
	l.query(e.Query)
}

// SearchCompleted is a retrieval; one that the cache answered is told at DEBUG.
type SearchCompleted struct {
	SearchMode string
	// Hits are the passages given, of Total found; Total is 0 where it is not told.
	Hits, Total int
	Cached      bool
	Took        time.Duration
}

func (e SearchCompleted) describe(l *line) {
	level := LevelInfo
	if e.Cached {
		level = LevelDebug
	}
	l.is("search_completed", level)
	l.string("search_mode", e.SearchMode)
	l.int("hits", int64(e.Hits))
	if e.Total > 0 {
		l.int("total", int64(e.Total))
	}
	l.ms("took_ms", e.Took)
}

// SlowQuery is a retrieval that took longer than Threshold, the cache's part not counted.
type SlowQuery struct {
	Query Query
	// SearchMode is what was asked for.
	SearchMode string
	Hits       int
	// Code is that of the error, if it failed.
	Code            string
	Threshold, Took time.Duration
}

func (e SlowQuery) describe(l *line) {
	l.is("slow_query", LevelWarning)
	l.query(e.Query)
	l.string("search_mode", e.SearchMode)
	l.int("hits", int64(e.Hits))
	l.code(e.Code)
	l.ms("threshold_ms", e.Threshold)
	l.ms("took_ms", e.Took)
}

// LimitShadowed is a request over its limit on an endpoint that was admitted, since limits are only tried.
type LimitShadowed struct {
	Endpoint, Tier string
	Limit          int
}

func (e LimitShadowed) describe(l *line) {
	l.is("limit_shadowed", LevelInfo)
	l.string("endpoint", e.Endpoint)
	l.string("tier", e.Tier)
	l.int("limit", int64(e.Limit))
}

// LLMResponse is an answer of the model's server.
type LLMResponse struct {
	Took                           time.Duration
	PromptTokens, CompletionTokens int
}

func (e LLMResponse) describe(l *line) {
	l.is("llm_response", LevelInfo)
	l.ms("took_ms", e.Took)
	l.int("prompt_tokens", int64(e.PromptTokens))
	l.int("completion_tokens", int64(e.CompletionTokens))
}

// LLMFailed is an answer that the model's server did not give. (A request that failed by it is told by RequestFailed.)
type LLMFailed struct {
	Code string
	Took time.Duration
}

func (e LLMFailed) describe(l *line) {
	l.is("llm_generation_failed", LevelWarning)
	l.dependency("llm")
	l.code(e.Code)
	l.ms("took_ms", e.Took)
}

// AnswerExtracted is an answer that was made without the model, which failed with that code.
type AnswerExtracted struct{ Code string }

func (e AnswerExtracted) describe(l *line) {
	l.is("answer_extracted", LevelWarning)
	l.dependency("llm")
	l.code(e.Code)
}

// TracesFailed is an endpoint of traces that takes none; Code says why.
type TracesFailed struct{ Code string }

func (e TracesFailed) describe(l *line) {
	l.is("traces_failed", LevelWarning)
	l.code(e.Code)
}

// TracesRestored is an endpoint of traces that takes them again.
type TracesRestored struct{}

func (TracesRestored) describe(l *line) { l.is("traces_restored", LevelInfo) }

// JWKSReadFailed is a look at the keys of the issuer of tokens that failed. The last ones that were read still hold.
type JWKSReadFailed struct{ Err error }

func (e JWKSReadFailed) describe(l *line) {
	l.is("jwks_read_failed", LevelWarning)
	l.dependency("issuer")
	l.error(e.Err)
}

// JWKSKeysRefused are keys of the issuer of tokens that do not count, because they are too short.
type JWKSKeysRefused struct{ Refused int }

func (e JWKSKeysRefused) describe(l *line) {
	l.is("jwks_keys_refused", LevelWarning)
	l.dependency("issuer")
	l.int("refused", int64(e.Refused))
}

// RequestFailed is a request that failed for a reason of the service, of the model or else.
type RequestFailed struct {
	RequestID, Route, Code string
	// Model says that the model did not answer, which has an event of its own.
	Model bool
	Err   error
}

func (e RequestFailed) describe(l *line) {
	event := "error_occurred"
	if e.Model {
		event = "llm_generation_failed"
	}
	l.is(event, LevelError)
	l.string("request_id", e.RequestID)
	l.string("route", e.Route)
	l.code(e.Code)
	l.error(e.Err)
}

// PanicRecovered is a request that hit a bug; Stack says where.
type PanicRecovered struct{ Panic, Stack string }

func (e PanicRecovered) describe(l *line) {
	l.is("panic_recovered", LevelError)
	l.string("panic", e.Panic)
	l.string("stack", e.Stack)
}

// DatabaseConnectionLost is a store that cannot be used; Dependency names it.
type DatabaseConnectionLost struct {
	Dependency, Code string
	Err              error
}

func (e DatabaseConnectionLost) describe(l *line) {
	l.is("database_connection_lost", LevelWarning)
	l.dependency(e.Dependency)
	l.code(e.Code)
	l.error(e.Err)
}

// DatabaseConnectionRestored is a store that can be used again.
type DatabaseConnectionRestored struct{ Dependency string }

func (e DatabaseConnectionRestored) describe(l *line) {
	l.is("database_connection_restored", LevelInfo)
	l.dependency(e.Dependency)
}

// DatabaseWritesBlocked is a store that answers, but takes no writes; or takes them again.
type DatabaseWritesBlocked struct {
	Dependency string
	Blocked    bool
}

func (e DatabaseWritesBlocked) describe(l *line) {
	if e.Blocked {
		l.is("database_writes_blocked", LevelWarning)
	} else {
		l.is("database_writes_unblocked", LevelInfo)
	}
	l.dependency(e.Dependency)
}

// RedisEvictionUnsafe is a Redis that may evict buckets of the rate limits when its memory is full.
type RedisEvictionUnsafe struct{ Policy string }

func (e RedisEvictionUnsafe) describe(l *line) {
	l.is("redis_eviction_unsafe", LevelWarning)
	l.string("policy", e.Policy)
}

// ConfigReloaded is a newer configuration that was taken up.
type ConfigReloaded struct{ ConfigHash string }

func (e ConfigReloaded) describe(l *line) {
	l.is("config_reloaded", LevelInfo)
	l.string("config_hash", e.ConfigHash)
}

// ConfigRejected is a newer configuration that was refused; the one before stays.
type ConfigRejected struct {
	ConfigHash string
	Err        error
}

func (e ConfigRejected) describe(l *line) {
	l.is("config_rejected", LevelError)
	l.string("config_hash", e.ConfigHash)
	l.error(e.Err)
}

// KeysReloaded is a newer Secret of API keys that was taken up.
type KeysReloaded struct {
	// Keys is how many there are, Refused how many entries are none.
	Keys, Refused int
}

func (e KeysReloaded) describe(l *line) {
	l.is("keys_reloaded", LevelInfo)
	l.int("keys", int64(e.Keys))
	l.int("refused", int64(e.Refused))
}

// KeyRefused is an entry of the Secret of API keys that is not used; the others are.
type KeyRefused struct {
	// Entry is its name, Why what it must be.
	Entry, Why string
}

func (e KeyRefused) describe(l *line) {
	l.is("key_refused", LevelWarning)
	l.string("entry", e.Entry)
	l.string("error", e.Why)
}

// KeysRejected is a newer Secret of API keys without a usable one, or that cannot be read; those before stay.
type KeysRejected struct{ Err error }

func (e KeysRejected) describe(l *line) {
	l.is("keys_rejected", LevelError)
	l.error(e.Err)
}

// ConfigFieldIgnored is a field of the configuration that this version does not know.
type ConfigFieldIgnored struct{ Field string }

func (e ConfigFieldIgnored) describe(l *line) {
	l.is("config_field_ignored", LevelWarning)
	l.string("field", e.Field)
}

// LogFileFailed is the log's file that does not take lines any more; standard output goes on.
type LogFileFailed struct{ Err error }

func (e LogFileFailed) describe(l *line) {
	l.is("log_file_failed", LevelWarning)
	l.error(e.Err)
}

// LogFileRestored is the log's file that takes lines again. Lost is how many it does not have, since the server started.
type LogFileRestored struct{ Lost int64 }

func (e LogFileRestored) describe(l *line) {
	l.is("log_file_restored", LevelInfo)
	l.int("lines_lost", e.Lost)
}
