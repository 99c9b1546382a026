package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MinAPIKeyLength is the length of 128 random bits in base64url without padding.
const MinAPIKeyLength = 22

// ParseAPIKey reads one entry of a Secret of API keys: JSON {"key","tier","tenant","role"}. Its errors name the entry
// and the field, never a value.
func ParseAPIKey(name string, value []byte) (APIKey, error) {
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
		return APIKey{}, fmt.Errorf(`entry %q must be JSON such as {"key":"...","tier":"free","tenant":"default","role":"client"}`, name)
	case len(k.Key) < MinAPIKeyLength:
		return APIKey{}, fmt.Errorf("entry %q: key must have at least %d characters (128 random bits)", name, MinAPIKeyLength)
	case k.Role != "" && k.Role != "admin" && k.Role != "client":
		return APIKey{}, fmt.Errorf("entry %q: role must be admin or client", name)
	}
	k.Name = name
	return k, nil
}
