package logging

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync/atomic"
)

const (
	// minSecret is the shortest secret that is blotted out, in bytes.
	minSecret = 8
	redacted  = "[redacted]"
)

// secrets blots out secrets in finished lines, so that no attribute, error or nested value can carry one past it.
type secrets struct {
	known atomic.Pointer[knownSecrets]
}

// knownSecrets finds out whether a line may hold any secret by the first eight bytes of each, all at once: nearly every line holds
// none, and is not copied.
type knownSecrets struct {
	beginnings map[uint64]struct{}
	// filter has a bit set for the hash of each of them: few bytes of a line come as far as the map.
	filter   [1 << filterBits / 64]uint64
	replacer *strings.Replacer
}

const filterBits = 14

func (s *secrets) set(list []string) {
	// The longest first: of a secret that begins another, no tail must stay.
	list = slices.SortedFunc(slices.Values(list), func(a, b string) int { return len(b) - len(a) })
	known := &knownSecrets{beginnings: map[uint64]struct{}{}}
	var pairs []string
	for _, secret := range list {
		if len(secret) < minSecret {
			continue
		}
		escaped := string(quote(secret))
		for _, form := range []string{secret, escaped[1 : len(escaped)-1]} {
			pairs = append(pairs, form, redacted)
			known.add(binary.LittleEndian.Uint64([]byte(form)))
		}
	}
	known.replacer = strings.NewReplacer(pairs...)
	s.known.Store(known)
}

func (k *knownSecrets) add(beginning uint64) {
	k.beginnings[beginning] = struct{}{}
	bit := filterBit(beginning)
	k.filter[bit/64] |= 1 << (bit % 64)
}

func filterBit(beginning uint64) uint64 {
	const spread = 0x9E3779B97F4A7C15 // 2^64 over the golden ratio: neighbouring values fall far apart
	return beginning * spread >> (64 - filterBits)
}

// mayBeIn says whether the beginning of a secret stands in line.
func (k *knownSecrets) mayBeIn(line []byte) bool {
	for len(line) >= minSecret {
		beginning := binary.LittleEndian.Uint64(line)
		bit := filterBit(beginning)
		if k.filter[bit/64]&(1<<(bit%64)) != 0 {
			if _, ok := k.beginnings[beginning]; ok {
				return true
			}
		}
		line = line[1:]
	}
	return false
}

// redact is line without secrets; line itself when it holds none.
func (s *secrets) redact(line []byte) []byte {
	known := s.known.Load()
	if known == nil || !known.mayBeIn(line) {
		return line
	}
	return []byte(known.replacer.Replace(string(line)))
}
