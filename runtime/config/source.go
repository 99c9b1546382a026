package config

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// reloadInterval is how often the file is read. The kubelet takes up to a minute to bring a ConfigMap into a pod; a few
// seconds more do not matter, and reading needs no notification that a mount could lose.
const reloadInterval = 2 * time.Second

// toldUnread is how many reloads in a row cannot read the file before that is told.
const toldUnread = 5

// Source is the configuration that runs, and how a newer one takes its place.
type Source struct {
	file    string
	state   atomic.Pointer[state]
	raw     []byte
	refused []byte
	// unread counts the reloads in a row that could not read the file.
	unread int
}

type state struct {
	config   Config
	hash     string
	rejected string
}

// Reload is the outcome of a newer configuration.
type Reload struct {
	// Hash is that of the newer file; empty when it could not be read.
	Hash string
	// Unknown are fields that this server does not know and ignores.
	Unknown []string
	// Err says why it was refused; nil when it runs.
	Err error
}

// Fixed is a Source that never changes: that of a server that runs alone.
func Fixed(c Config) *Source {
	s := &Source{}
	s.state.Store(&state{config: c})
	return s
}

// Open reads a file; a broken one is an error. Fields that the server does not know are returned, and ignored: an
// operator may be newer than the servers that it is about to roll.
func Open(file string) (source *Source, unknown []string, err error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("read the configuration: %w", err)
	}
	c, unknown, err := Parse(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	s := &Source{file: file, raw: raw}
	s.state.Store(&state{config: c, hash: Hash(raw)})
	return s, unknown, nil
}

// Config is the configuration that runs: a value that nobody changes. Read it once for what must belong together.
func (s *Source) Config() *Config { return &s.state.Load().config }

// Hash is that of the configuration that runs; empty for a Fixed one.
func (s *Source) Hash() string { return s.state.Load().hash }

// RejectedHash is that of a newer configuration that was refused; empty when there is none.
func (s *Source) RejectedHash() string { return s.state.Load().rejected }

// Run takes up newer configurations until ctx ends, and tells report of each, good or bad. A bad one leaves the one
// before in place and is told once, as is a file that cannot be read for about ten seconds.
func (s *Source) Run(ctx context.Context, report func(Reload)) {
	ticker := time.NewTicker(reloadInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if r := s.reload(); r != nil {
				report(*r)
			}
		}
	}
}

// reload returns nil when there is nothing new.
func (s *Source) reload() *Reload {
	raw, err := os.ReadFile(s.file)
	if err != nil {
		if s.unread++; s.unread != toldUnread {
			return nil // a mount that is being swapped is read the next time
		}
		return &Reload{Err: fmt.Errorf("read the configuration: %w", err)}
	}
	s.unread = 0
	if bytes.Equal(raw, s.refused) {
		return nil
	}
	current := s.state.Load()
	if bytes.Equal(raw, s.raw) {
		if s.refused = nil; current.rejected != "" { // the bad one was taken back
			s.state.Store(&state{config: current.config, hash: current.hash})
		}
		return nil
	}
	r := &Reload{Hash: Hash(raw)}
	var c Config
	if c, r.Unknown, r.Err = Parse(raw); r.Err != nil {
		s.refused = raw
		s.state.Store(&state{config: current.config, hash: current.hash, rejected: r.Hash})
		return r
	}
	s.raw, s.refused = raw, nil
	if c.LLM.BaseURL != current.config.LLM.BaseURL { // its key is not this server's, which is one of before: pods roll
		c.LLM = current.config.LLM
	}
	s.state.Store(&state{config: c, hash: r.Hash})
	return r
}
