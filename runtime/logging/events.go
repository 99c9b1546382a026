package logging

// Events: what a line of the log is about. They are a contract; alerts and dashboards match them.
const (
	ServerStarted  = "server_started"
	ServerDraining = "server_draining"
	ServerStopped  = "server_stopped"

	// ConnectionFailed is a connection that broke before or after a request.
	ConnectionFailed = "connection_failed"
	RequestCompleted = "request_completed"
	SearchQuery      = "search_query"
	SearchCompleted  = "search_completed"
	CacheHit         = "cache_hit"
	CacheMiss        = "cache_miss"
	LLMResponse      = "llm_response"
	DocumentsWritten = "documents_written"

	// ErrorOccurred is a request that failed for a reason of the service.
	ErrorOccurred = "error_occurred"
	// PanicRecovered is a request that hit a bug; the attribute stack says where.
	PanicRecovered = "panic_recovered"
	// LLMGenerationFailed is an answer that the model did not give.
	LLMGenerationFailed = "llm_generation_failed"
	// DatabaseConnectionLost and DatabaseConnectionRestored are about the stores; the attribute dependency names one.
	DatabaseConnectionLost     = "database_connection_lost"
	DatabaseConnectionRestored = "database_connection_restored"

	ConfigReloaded = "config_reloaded"
	ConfigRejected = "config_rejected"
	// ConfigFieldIgnored is a field of the configuration that this version does not know.
	ConfigFieldIgnored = "config_field_ignored"
)
