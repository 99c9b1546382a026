// Package jwks keeps the public keys of an issuer of tokens, as it publishes them (RFC 7517).
package jwks
