package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// KeySource is the Secret of API keys that is mounted as a folder, and how newer keys take the place of those that are
// known: a rotation needs no restart.
type KeySource struct {
	dir string
	// entries are the files as they were read last, good or bad.
	entries map[string][]byte
	unread  int
}

// OpenKeys reads the keys of a folder in which each file is one. A folder that does not exist holds none. A broken entry
// is an error, which names it and never its value.
func OpenKeys(dir string) (*KeySource, []APIKey, error) {
	entries, err := readEntries(dir)
	if err != nil {
		return nil, nil, err
	}
	keys, err := ParseAPIKeys(entries)
	if err != nil {
		return nil, nil, err
	}
	return &KeySource{dir: dir, entries: entries}, keys, nil
}

// ParseAPIKeys reads the entries of a Secret of API keys, in the order of their names.
func ParseAPIKeys(entries map[string][]byte) ([]APIKey, error) {
	var keys []APIKey
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		key, err := ParseAPIKey(name, entries[name])
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// Run hands newer keys to report until ctx ends. Keys that are broken are an error, told once; those before stay known,
// as they do when the folder cannot be read for about ten seconds.
func (s *KeySource) Run(ctx context.Context, report func([]APIKey, error)) {
	ticker := time.NewTicker(reloadInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if keys, changed, err := s.reload(); changed {
				report(keys, err)
			}
		}
	}
}

// reload reports false when there is nothing new.
func (s *KeySource) reload() (keys []APIKey, changed bool, err error) {
	entries, err := readEntries(s.dir)
	if err != nil {
		if s.unread++; s.unread != toldUnread {
			return nil, false, nil // a mount that is being swapped is read the next time
		}
		return nil, true, err
	}
	s.unread = 0
	if maps.EqualFunc(entries, s.entries, bytes.Equal) {
		return nil, false, nil
	}
	s.entries = entries
	keys, err = ParseAPIKeys(entries)
	return keys, true, err
}

// readEntries reads a mounted Secret; the kubelet's own links are none of its entries.
func readEntries(dir string) (map[string][]byte, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the API keys: %w", err)
	}
	entries := map[string][]byte{}
	for _, file := range files {
		if strings.HasPrefix(file.Name(), "..") {
			continue
		}
		value, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the API keys: %w", err)
		}
		entries[file.Name()] = bytes.TrimSpace(value)
	}
	return entries, nil
}
