package secrets

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// secretBytes is 256 bits, beyond guessing.
const secretBytes = 32

// random is a new secret in letters, digits, '-' and '_', which need no quoting anywhere.
func random() string {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails: the program would end
	return base64.RawURLEncoding.EncodeToString(secret)
}

// newRedisPassword generates a password, as the server reads it and as Redis does.
func newRedisPassword() map[string][]byte {
	password := random()
	return map[string][]byte{
		desired.RedisPasswordKey: []byte(password),
		desired.RedisAuthConfKey: []byte("requirepass " + password + "\n"),
	}
}

func newHashKeys() map[string][]byte {
	return map[string][]byte{desired.RollHashKey: []byte(random()), desired.CallerHashKey: []byte(random())}
}

// rotatedHashKeys leave the key of roll hashes as it is: another would replace the pods of Redis too, whose
// Secrets have not changed. It is only made anew with a Secret that was deleted.
func rotatedHashKeys(map[string][]byte, bool) map[string][]byte {
	return map[string][]byte{desired.CallerHashKey: []byte(random())}
}

// newAPIKeys generates an administrator's and a client's key, of the default tier and tenant.
func newAPIKeys() map[string][]byte {
	return map[string][]byte{
		desired.AdminAPIKey:  apiKey("admin"),
		desired.ClientAPIKey: apiKey("client"),
	}
}

func apiKey(role string) []byte {
	data, err := json.Marshal(config.APIKey{Key: random(), Role: role})
	if err != nil {
		panic(err) // four strings can be written
	}
	return data
}
