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

// OpenKeys reads the keys of a folder in which each file is one. A folder that does not exist holds none.
func OpenKeys(dir string) (*KeySource, KeySet, error) {
	entries, err := readEntries(dir)
	if err != nil {
		return nil, KeySet{}, err
	}
	return &KeySource{dir: dir, entries: entries}, ParseAPIKeys(entries), nil
}

// Run hands the keys of a changed folder to report until ctx ends. A folder that cannot be read for about ten seconds is an
// error, told once.
func (s *KeySource) Run(ctx context.Context, report func(KeySet, error)) {
	ticker := time.NewTicker(reloadInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if set, changed, err := s.reload(); changed {
				report(set, err)
			}
		}
	}
}

// reload reports false when there is nothing new.
func (s *KeySource) reload() (set KeySet, changed bool, err error) {
	entries, err := readEntries(s.dir)
	if err != nil {
		if s.unread++; s.unread != toldUnread {
			return KeySet{}, false, nil // a mount that is being swapped is read the next time
		}
		return KeySet{}, true, err
	}
	s.unread = 0
	if maps.EqualFunc(entries, s.entries, bytes.Equal) {
		return KeySet{}, false, nil
	}
	s.entries = entries
	return ParseAPIKeys(entries), true, nil
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
