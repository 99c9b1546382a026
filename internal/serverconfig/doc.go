// Package serverconfig resolves a RAGService: what the server shall run, and what the stores that the operator runs
// shall be. Defaults that depend on another field, and those of lists, are resolved here and nowhere else; those that
// stand alone are the schema's, and repeated here where more than the server's configuration reads them. Everything is a
// function of values.
//
// A RAGService must have the schema's defaults, as one from an API server or from internal/manifest has. Without them
// Build fails and names the first fields that are missing.
package serverconfig
