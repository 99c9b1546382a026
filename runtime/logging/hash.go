package logging

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/netip"
	"sync"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// Hasher turns what callers send into names that tell two of them apart and no more. All servers of a service share its
// key, so that a caller has the same name on each.
type Hasher struct {
	macs *sync.Pool // of mac
}

// mac knows the key, which making one takes longer than using it, and has room for what goes in and comes out.
type mac struct {
	hash.Hash
	room []byte
}

// NewHasher uses a key of the service, which must be secret: 16 random bytes or more.
func NewHasher(key []byte) Hasher {
	return Hasher{macs: &sync.Pool{New: func() any { return &mac{Hash: hmac.New(sha256.New, key)} }}}
}

// Query is what the log tells of a query.
type Query struct {
	// Hash tells equal queries; Text is what was asked, where the configuration wants it.
	Hash, Text string
}

// Tell is what the log tells of a query, as logQueries of the configuration has it.
func (h Hasher) Tell(detail config.LogQueries, text string) Query {
	switch detail {
	case config.LogQueriesNone:
		return Query{}
	case config.LogQueriesFull:
		return Query{Hash: h.Query(text), Text: text}
	case config.LogQueriesHash:
	}
	return Query{Hash: h.Query(text)}
}

// Query names a query in the log.
func (h Hasher) Query(text string) string { return h.sum("query", text) }

// Address names the callers of a block of addresses.
func (h Hasher) Address(block netip.Prefix) string { return h.sum("address", block.String()) }

// Subject names the caller whom a token's subject or a proxy's header names.
func (h Hasher) Subject(name string) string { return h.sum("subject", name) }

// sum is 16 hexadecimal characters: collisions do not matter in a log, and buckets of callers are few.
func (h Hasher) sum(purpose, text string) string {
	m, _ := h.macs.Get().(*mac)
	defer h.macs.Put(m)
	m.Reset()
	m.room = append(append(append(m.room[:0], purpose...), 0), text...)
	_, _ = m.Write(m.room) // a hash takes everything
	m.room = m.Sum(m.room[:0])
	return hex.EncodeToString(m.room[:8])
}
