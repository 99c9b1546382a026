// Package ratelimit decides whether a caller may make a request: one token bucket for each caller and endpoint.
//
// The buckets are kept in Redis and changed by one script on Redis's clock, so that any number of servers share them.
// While Redis cannot be used each server limits to its share, in buckets of its own memory; without Redis at all those
// are the buckets.
//
//	Take ─> what was leased ──────────────────> Decision (lease)
//	          └ nothing ─> bucket.lua in Redis ─> Decision (redis), and perhaps a lease
//	                         └ it fails ─> local buckets ─> Decision (local)
package ratelimit
