package cache

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// The first byte of a value in Redis says what follows: JSON, or JSON compressed by zstd (RFC 8878). Servers of another version read
// values of another format as misses.
const (
	formatPlain      = '3'
	formatCompressed = '4'
)

// entry is a result as it is kept. Nobody changes it once it was made.
type entry[V any] struct {
	StoredAt time.Time `json:"stored_at"`
	// FreshUntil is when e expires. Until StaleUntil it stands in for a result that cannot be made.
	FreshUntil time.Time `json:"fresh_until"`
	StaleUntil time.Time `json:"stale_until"`
	Value      V         `json:"value"`
}

// fresh reports whether e may be served at now. A time to live that was shortened holds for what was stored before.
func (e *entry[V]) fresh(now time.Time, ttl time.Duration) bool {
	return now.Before(e.FreshUntil) && e.age(now) < ttl
}

// standsIn reports whether e may be served at now because nothing newer can be made (RFC 5861, section 4).
func (e *entry[V]) standsIn(now time.Time, ttl, staleIfError time.Duration) bool {
	return staleIfError > 0 && now.Before(e.StaleUntil) && e.age(now) < ttl+staleIfError
}

// age is never negative: the server that stored e may have another clock.
func (e *entry[V]) age(now time.Time) time.Duration { return max(0, now.Sub(e.StoredAt)) }

func (e *entry[V]) encode() ([]byte, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encoding a result: %w", err)
	}
	return append([]byte{formatPlain}, data...), nil
}

var errFormat = errors.New("the value has another format")

// decode reads a value of Redis, and tells how large the result is uncompressed.
func decode[V any](data []byte) (e entry[V], size int, err error) {
	if len(data) == 0 {
		return e, 0, errFormat
	}
	text := data[1:]
	switch data[0] {
	case formatPlain:
	case formatCompressed:
		if text, err = decoder().DecodeAll(text, nil); err != nil {
			return e, 0, fmt.Errorf("decompressing a result: %w", err)
		}
	default:
		return e, 0, errFormat
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return e, 0, fmt.Errorf("decoding a result: %w", err)
	}
	return e, len(text), nil
}

// hit is how a result of that age is told.
func hit(age time.Duration, layer string) rag.CacheInfo {
	return rag.CacheInfo{Outcome: rag.CacheHit, Age: age, Layer: layer}
}
