package main

import (
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
)

// reloaded tells what became of a newer configuration.
func (srv *server) reloaded(r config.Reload) {
	if r.Err != nil {
		srv.metrics.ConfigRejected()
		srv.log.Error(logging.ConfigRejected, "config_hash", r.Hash, "error", r.Err)
		return
	}
	for _, field := range r.Unknown {
		srv.log.Warn(logging.ConfigFieldIgnored, "field", field)
	}
	if err := srv.log.SetLevel(srv.source.Config().Logging.Level); err != nil {
		srv.log.Error(logging.ConfigRejected, "config_hash", r.Hash, "error", err)
	}
	srv.metrics.ConfigApplied(r.Hash)
	srv.log.Info(logging.ConfigReloaded, "config_hash", r.Hash)
}
