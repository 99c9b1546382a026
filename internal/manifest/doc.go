// Package manifest reads a manifest as an API server would, without one: it applies the defaults of the
// CustomResourceDefinition, then checks its schema and rules. What passes here passes there, and what is refused here
// is refused there at the same field paths; a test runs the same manifests through both.
//
//	file ─> documents ─> RAGService ─> unknown fields, defaults, schema, rules ─┬─> Manifest
//	                 └─> Secrets ─────────────────────────────────────────────┘
//
// Rules that compare with an earlier state have nothing to compare with here.
package manifest
