package middleware

import (
	"crypto/sha256"
	"net/http"
	"sync/atomic"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Keyring knows callers by the SHA-256 of their keys, so that neither a dump of its memory nor the time of a look-up
// tells a key. It may be changed while it is in use. The zero value knows nobody.
type Keyring struct {
	byHash atomic.Pointer[map[[sha256.Size]byte]rag.Identity]
}

// Replace makes the keys of a Secret the known ones. No two of them are the same.
func (k *Keyring) Replace(keys []config.APIKey) {
	byHash := make(map[[sha256.Size]byte]rag.Identity, len(keys))
	for _, key := range keys {
		role := rag.RoleClient
		if key.Role == string(rag.RoleAdmin) {
			role = rag.RoleAdmin
		}
		byHash[sha256.Sum256([]byte(key.Key))] = rag.Identity{Name: keyCaller + key.Name, Tier: key.Tier, Tenant: key.Tenant, Role: role, Groups: key.Groups}
	}
	k.byHash.Store(&byHash)
}

// Authenticate wants a known key: it is the Authenticator of mode APIKey.
func (k *Keyring) Authenticate(r *http.Request) (rag.Identity, error) {
	key, err := credentials(r.Header)
	if err != nil {
		return rag.Identity{}, err
	}
	if key == "" {
		return rag.Identity{}, unauthorized("a key is needed, as Authorization: Bearer <key> or X-API-Key: <key>")
	}
	id, known := k.find(key)
	if !known {
		return rag.Identity{}, unauthorized("the key is not known")
	}
	return id, nil
}

func (k *Keyring) find(key string) (rag.Identity, bool) {
	byHash := k.byHash.Load()
	if byHash == nil || key == "" {
		return rag.Identity{}, false
	}
	id, known := (*byHash)[sha256.Sum256([]byte(key))]
	return id, known
}
