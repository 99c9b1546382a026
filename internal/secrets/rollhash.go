package secrets

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// rollHashes say by component when an entry that its pods depend on has changed, and nothing to those who can read
// pods but not Secrets: they are keyed. The digest of the random key is as good a key.
func (s *resolver) rollHashes() map[desired.Component]string {
	key, ok := s.hashKeys[desired.RollHashKey]
	if !ok {
		return nil
	}
	hashes := map[desired.Component]string{}
	for _, c := range hashed {
		mac := hmac.New(sha256.New, key.digest[:])
		for _, u := range s.uses {
			if slices.Contains(u.components, c) {
				writeField(mac, u.secret)
				writeField(mac, u.key)
				mac.Write(u.value.digest[:])
			}
		}
		hashes[c] = hex.EncodeToString(mac.Sum(nil)[:16])
	}
	return hashes
}

// writeField writes s with its length before it, so that two fields never run together.
func writeField(h hash.Hash, s string) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(s)))
	h.Write(length[:])
	h.Write([]byte(s))
}
