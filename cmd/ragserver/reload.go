package main

import (
	"context"
	"slices"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
)

// reloaded tells what became of a newer configuration.
func (srv *server) reloaded(r config.Reload) {
	ctx := context.Background()
	if r.Err != nil {
		srv.metrics.ConfigRejected()
		srv.log.Write(ctx, logging.ConfigRejected{ConfigHash: r.Hash, Err: r.Err})
		return
	}
	for _, field := range r.Unknown {
		srv.log.Write(ctx, logging.ConfigFieldIgnored{Field: field})
	}
	if err := adjust(srv.log, srv.source.Config()); err != nil {
		srv.log.Write(ctx, logging.ConfigRejected{ConfigHash: r.Hash, Err: err})
	}
	srv.metrics.ConfigApplied(r.Hash)
	srv.beginCounters(srv.source.Config())
	srv.log.Write(ctx, logging.ConfigReloaded{ConfigHash: r.Hash})
}

// keysReloaded takes up newer API keys. Those before stay in place of a folder that cannot be read or has no usable key: to
// lock the last caller out, give another one a key. Keys that are no longer known stay out of the log as long as the server
// runs.
func (srv *server) keysReloaded(set config.KeySet, err error) {
	if err == nil {
		srv.keysRefused(set.Refused)
		err = missingKeys(srv.source, set)
	}
	if err != nil {
		srv.log.Write(context.Background(), logging.KeysRejected{Err: err})
		return
	}
	for _, key := range secrets(config.Credentials{APIKeys: set.Keys}) {
		if !slices.Contains(srv.secrets, key) {
			srv.secrets = append(srv.secrets, key)
		}
	}
	srv.log.Redact(srv.secrets...)
	srv.keys.Replace(set.Keys)
	srv.log.Write(context.Background(), logging.KeysReloaded{Keys: len(set.Keys), Refused: len(set.Refused)})
}

// keysRefused tells which entries are no keys.
func (srv *server) keysRefused(refused []config.RefusedKey) {
	srv.refusedKeys.Store(int64(len(refused)))
	srv.metrics.KeysRefused(len(refused))
	for _, r := range refused {
		srv.log.Write(context.Background(), logging.KeyRefused{Entry: r.Entry, Why: r.Why})
	}
}
