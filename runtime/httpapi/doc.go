// Package httpapi is the server's HTTP API. routes.go has the table of routes, errors.go the one mapper of errors.
//
//	router ─> authentication ─> decode ─> pipeline: validate, admit (limits), work ─> answer
//	  └───────────┴───────────────┴──────────┴──────────────────────┴──> error ─> envelope
//
// Documents come in by upload.go (one by one out of a body) and ingest.go (what becomes of each).
package httpapi
