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
	if err := srv.log.SetLevel(srv.source.Config().Logging.Level); err != nil {
		srv.log.Write(ctx, logging.ConfigRejected{ConfigHash: r.Hash, Err: err})
	}
	srv.metrics.ConfigApplied(r.Hash)
	srv.log.Write(ctx, logging.ConfigReloaded{ConfigHash: r.Hash})
}

// keysReloaded takes up newer API keys; broken ones leave those before in place. Keys that are no longer known stay out
// of the log as long as the server runs.
func (srv *server) keysReloaded(first config.Credentials, keys []config.APIKey, err error) {
	if err != nil {
		srv.log.Write(context.Background(), logging.KeysRejected{Err: err})
		return
	}
	known := first
	known.APIKeys = append(slices.Clone(first.APIKeys), keys...)
	srv.log.Redact(secrets(known)...)
	srv.keys.Replace(keys)
	srv.log.Write(context.Background(), logging.KeysReloaded{Keys: len(keys)})
}
