// Package httpapi is the server's HTTP API. routes.go has the table of routes. A handler comes in two steps, so that
// limits are taken in one place between them: first it reads and validates, then it answers.
//
//	route ─> identity ─> read, validate ─> limits ─> work ─> answer
//	              └──────────┴────────────────┴────────┴──> error ─> errors.go, the one mapper ─> envelope
package httpapi
