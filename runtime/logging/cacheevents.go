package logging

import "time"

// CacheHit is a result of a kind (search, llm) that the cache had.
type CacheHit struct {
	Kind string
	Age  time.Duration
}

func (e CacheHit) describe(l *line) {
	l.is("cache_hit", LevelDebug)
	l.string("kind", e.Kind)
	l.int("age_s", int64(e.Age/time.Second))
}

// CacheMiss is a result of a kind that was made anew.
type CacheMiss struct{ Kind string }

func (e CacheMiss) describe(l *line) {
	l.is("cache_miss", LevelDebug)
	l.string("kind", e.Kind)
}

// CacheInvalidated is an administrator's word that results are to be served no more. Kind and DocumentID are empty when it meant
// every kind and document; Scope is document, tenant or all. Unlinked are the entries dropped.
type CacheInvalidated struct {
	Scope, Kind, DocumentID string
	Unlinked                int
}

func (e CacheInvalidated) describe(l *line) {
	l.is("cache_invalidated", LevelInfo)
	l.string("scope", e.Scope)
	l.string("kind", e.Kind)
	l.string("document_id", e.DocumentID)
	l.int("unlinked", int64(e.Unlinked))
}

// CacheWarmed is a round of questions that were asked before callers did.
type CacheWarmed struct{ Requests, Failed int }

func (e CacheWarmed) describe(l *line) {
	l.is("cache_warmed", LevelInfo)
	l.int("requests", int64(e.Requests))
	l.int("failed", int64(e.Failed))
}

// CacheStale is an expired result of a kind that was served because nothing newer could be made, for an error of that code.
type CacheStale struct {
	Kind, Code string
	Age        time.Duration
}

func (e CacheStale) describe(l *line) {
	l.is("cache_stale", LevelWarning)
	l.string("kind", e.Kind)
	l.code(e.Code)
	l.int("age_s", int64(e.Age/time.Second))
}
