package gather

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// secretBytes is 256 bits, beyond guessing.
const secretBytes = 32

// draw is a new secret in letters, digits, '-' and '_', which need no quoting anywhere.
func draw() string {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails: the program would end
	return base64.RawURLEncoding.EncodeToString(secret)
}

// drawRedisPassword draws a password, as the server reads it and as Redis does.
func drawRedisPassword() map[string][]byte {
	password := draw()
	return map[string][]byte{
		desired.RedisPasswordKey: []byte(password),
		desired.RedisAuthConfKey: []byte("requirepass " + password + "\n"),
	}
}

func drawRollKey() map[string][]byte {
	return map[string][]byte{desired.RollKey: []byte(draw())}
}

// drawAPIKeys draws an administrator's and a client's key, of the default tier and tenant.
func drawAPIKeys() map[string][]byte {
	return map[string][]byte{
		desired.AdminAPIKey:  apiKey("admin"),
		desired.ClientAPIKey: apiKey("client"),
	}
}

func apiKey(role string) []byte {
	data, err := json.Marshal(config.APIKey{Key: draw(), Role: role})
	if err != nil {
		panic(err) // four strings can be written
	}
	return data
}
