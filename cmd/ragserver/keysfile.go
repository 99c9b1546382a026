package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// keysFileName is where the keys are that a server generates when it runs alone.
const keysFileName = "keys.json"

// ownKeys reads the generated keys, and generates them the first time: an administrator's and a client's.
func ownKeys(file string) ([]config.APIKey, error) {
	raw, err := readPrivate(file)
	if errors.Is(err, fs.ErrNotExist) {
		raw, err = generateKeys(file)
	}
	if err != nil {
		return nil, fmt.Errorf("keys of the server: %w", err)
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, fmt.Errorf("%s is not an object of keys: remove it to have new ones made", file)
	}
	values := map[string][]byte{}
	for name, entry := range entries {
		values[name] = entry
	}
	return config.ParseAPIKeys(values)
}

// readPrivate reads a file that nobody but its owner may open.
func readPrivate(file string) ([]byte, error) {
	const byOthers = 0o077
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&byOthers != 0 {
		return nil, fmt.Errorf("%s can be opened by others (mode %o): chmod 600 %s, or remove it to have new keys made", file, info.Mode().Perm(), file)
	}
	return os.ReadFile(file)
}

func generateKeys(file string) ([]byte, error) {
	entries := map[string]config.APIKey{}
	for _, role := range []string{"admin", "client"} {
		var random [32]byte
		if _, err := rand.Read(random[:]); err != nil {
			return nil, err
		}
		entries[role] = config.APIKey{Key: base64.RawURLEncoding.EncodeToString(random[:]), Role: role}
	}
	raw, err := json.MarshalIndent(entries, "", "  ")
	if err != nil {
		return nil, err
	}
	raw = append(raw, '\n')
	return raw, writeFile(file, raw)
}
