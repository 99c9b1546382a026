// Package otlpencodingextension stands for the one that the tests of fileexporter import, which the module proxy does not have: go mod tidy
// wants to know it, and nothing here runs those tests.
package otlpencodingextension
