package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// MinAPIKeyLength is the length of 128 random bits in base64url without padding.
const MinAPIKeyLength = 22

// Bounds of a caller's groups.
const (
	maxGroups    = 256
	maxGroupName = 128
)

// KeySet is what a Secret of API keys holds. An entry that is no key never takes the others away.
type KeySet struct {
	// Keys are the usable ones, in the order of their names. No two have the same key.
	Keys []APIKey
	// Refused are the other entries, in the same order.
	Refused []RefusedKey
}

// RefusedKey is an entry that is not used as a key.
type RefusedKey struct {
	// Entry is its name.
	Entry string
	// Why says what the entry must be. It never holds a value.
	Why string
}

// ParseAPIKeys reads the entries of a Secret of API keys. Of entries with the same key the first by name is used: a caller has
// one name, tenant and role.
func ParseAPIKeys(entries map[string][]byte) KeySet {
	var set KeySet
	owners := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		key, err := parseAPIKey(name, entries[name])
		if owner, taken := owners[key.Key]; err == nil && taken {
			err = fmt.Errorf("its key is that of entry %q: each entry needs its own", owner)
		}
		if err != nil {
			set.Refused = append(set.Refused, RefusedKey{Entry: name, Why: err.Error()})
			continue
		}
		owners[key.Key] = name
		set.Keys = append(set.Keys, key)
	}
	return set
}

// maxNamed is how many refused entries an error names.
const maxNamed = 3

// Empty is an error that says what is wrong with the entries when none of them is a key; nil otherwise.
func (s KeySet) Empty() error {
	if len(s.Keys) > 0 {
		return nil
	}
	if len(s.Refused) == 0 {
		return errors.New("there is no API key: callers need at least one")
	}
	var named []string
	for _, r := range s.Refused[:min(maxNamed, len(s.Refused))] {
		named = append(named, fmt.Sprintf("entry %q: %s", r.Entry, r.Why))
	}
	if more := len(s.Refused) - len(named); more > 0 {
		named = append(named, fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("no API key is usable: %s", strings.Join(named, "; "))
}

// parseAPIKey reads one entry of a Secret of API keys: JSON {"key","tier","tenant","role","groups"}. Its errors never hold a value.
func parseAPIKey(name string, value []byte) (APIKey, error) {
	var k APIKey
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&k)
	if err == nil {
		if _, trailing := decoder.Token(); !errors.Is(trailing, io.EOF) {
			err = errors.New("trailing data")
		}
	}
	switch {
	case err != nil:
		return APIKey{}, errors.New(`it must be JSON such as {"key":"...","tier":"free","tenant":"default","role":"client"}`)
	case len(k.Key) < MinAPIKeyLength:
		return APIKey{}, fmt.Errorf("key must have at least %d characters (128 random bits)", MinAPIKeyLength)
	case k.Role != "" && k.Role != "admin" && k.Role != "client":
		return APIKey{}, errors.New("role must be admin or client")
	case len(k.Groups) > maxGroups || slices.ContainsFunc(k.Groups, func(g string) bool { return g == "" || len(g) > maxGroupName }):
		return APIKey{}, fmt.Errorf("groups must be at most %d names of 1 to %d bytes", maxGroups, maxGroupName)
	}
	k.Name = name
	return k, nil
}
