package main

import (
	"context"

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
