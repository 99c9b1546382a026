package config

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// jwtAlgorithms are those of asymmetric keys: with another, whoever can check a token can make one.
var jwtAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// minRSABits is what an RSA key needs at least (RFC 7518, section 3.3).
const minRSABits = 2048

// ParseJWKS reads the public keys of a JSON Web Key Set (RFC 7517) that may sign. It leaves out shared secrets, keys of kinds that it does
// not know, those for encryption, and RSA keys that are too short, which it counts as weak. A set with a private key is refused: that key is
// no secret any more.
func ParseJWKS(data []byte) (keys []jose.JSONWebKey, weak int, err error) {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, 0, errors.New("must be a JSON Web Key Set: {\"keys\": [...]}")
	}
	for _, one := range raw.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(one) != nil || !key.Valid() || key.Use != "" && key.Use != "sig" {
			continue
		}
		if !key.IsPublic() {
			return nil, 0, errors.New("must not hold a private key: make a new pair, and give the public one here")
		}
		if short, ok := key.Key.(*rsa.PublicKey); ok && short.N.BitLen() < minRSABits {
			weak++
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, weak, fmt.Errorf("must hold a public key for signatures; RSA keys need %d bits", minRSABits)
	}
	return keys, weak, nil
}
