package config

import (
	"encoding/json"
	"errors"

	"github.com/go-jose/go-jose/v4"
)

// jwtAlgorithms are those of asymmetric keys: with another, whoever can check a token can make one.
var jwtAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// ParseJWKS reads the public keys of a JSON Web Key Set (RFC 7517) that may sign. It leaves out shared secrets, keys of kinds that it does
// not know, and those for encryption. A set with a private key is refused: that key is no secret any more.
func ParseJWKS(data []byte) ([]jose.JSONWebKey, error) {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, errors.New("must be a JSON Web Key Set: {\"keys\": [...]}")
	}
	var keys []jose.JSONWebKey
	for _, one := range raw.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(one) != nil || !key.Valid() || key.Use != "" && key.Use != "sig" {
			continue
		}
		if !key.IsPublic() {
			return nil, errors.New("must not hold a private key: make a new pair, and give the public one here")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("must hold a public key for signatures")
	}
	return keys, nil
}
