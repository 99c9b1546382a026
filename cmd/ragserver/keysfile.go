package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// keysFileName is where the keys are that a server generates when it runs alone.
const keysFileName = "keys.json"

// ownKeys reads the generated keys, and generates them the first time: an administrator's and a client's.
func ownKeys(file string) (config.KeySet, error) {
	raw, err := readPrivate(file)
	if errors.Is(err, fs.ErrNotExist) {
		raw, err = generateKeys(file)
	}
	if err != nil {
		return config.KeySet{}, fmt.Errorf("keys of the server: %w", err)
	}
	var object map[string]jsontext.Value
	if err := json.Unmarshal(raw, &object); err != nil { // an error may hold what it met
		return config.KeySet{}, fmt.Errorf("%s is not an object of keys, each name once: remove it to have new ones made", file)
	}
	entries := map[string][]byte{}
	for name, value := range object {
		entries[name] = value
	}
	return config.ParseAPIKeys(entries), nil
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
	raw, err := json.Marshal(entries, jsontext.WithIndent("  "), json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	raw = append(raw, '\n')
	return raw, writeFile(file, raw)
}
