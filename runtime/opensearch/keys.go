package opensearch

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
)

// recordKey is the _id of a document's record.
func recordKey(tenant, id string) string { return key(tenant, id, "record") }

// chunkKey is the _id of a document's nth chunk, from 0.
func chunkKey(tenant, id string, n int) string { return key(tenant, id, strconv.Itoa(n)) }

// key hashes its parts with their lengths, so that no two lists of parts are the same bytes and no tenant can name
// another's document.
func key(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		hash.Write(length[:])
		hash.Write([]byte(part))
	}
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil))
}
