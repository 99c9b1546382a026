package logging

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
)

// Hasher turns what callers send into names that tell two of them apart and no more. All servers of a service share its
// key, so that a caller has the same name on each.
type Hasher struct {
	key []byte
}

// NewHasher uses a key of the service, which must be secret: 16 random bytes or more.
func NewHasher(key []byte) Hasher { return Hasher{key: key} }

// Query names a query in the log.
func (h Hasher) Query(text string) string { return h.sum("query", text) }

// Address names the callers of a block of addresses.
func (h Hasher) Address(block netip.Prefix) string { return h.sum("address", block.String()) }

// sum is 16 hexadecimal characters: collisions do not matter in a log, and buckets of callers are few.
func (h Hasher) sum(purpose, text string) string {
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte(purpose + "\x00" + text))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
