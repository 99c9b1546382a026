// Package schemas holds a JSON schema for each event of the log. attributes.json is written by hand; the others are made from the
// types of package logging: go test ./runtime/logging -run TestSchemas -update.
package schemas

import "embed"

// Files are the schemas, by event.
//
//go:embed *.json
var Files embed.FS
