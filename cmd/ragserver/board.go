package main

import (
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/stats"
)

// newBoard has the figures of GET stats. Servers share them in the Redis that evicts nothing.
func (srv *server) newBoard(s setup) *stats.Board {
	return stats.New(stats.Options{
		Redis:      srv.redisState,
		Prefix:     func() string { return ratelimit.Prefix(s.source.Config().Service) },
		Traffic:    srv.traffic,
		LogQueries: func() config.LogQueries { return s.source.Config().Logging.LogQueries },
	})
}
