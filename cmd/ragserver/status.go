package main

import (
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// statusz is what the operator reads.
func (srv *server) statusz(podUID string) telemetry.Statusz {
	return telemetry.Statusz{
		PodUID:             podUID,
		Version:            version,
		Ready:              srv.ready.Load() && srv.metRedis(),
		ConfigHash:         srv.source.Hash(),
		RejectedConfigHash: srv.source.RejectedHash(),
		RefusedKeys:        int(srv.refusedKeys.Load()),
		OpenSearch:         srv.openSearch(),
		RedisCache:         redisState(srv.redisCache),
		RedisState:         redisState(srv.redisState),
		LLM:                srv.llmState(),
		OpenSearchFault:    srv.fault(),
		RedisCacheFault:    redisFault(srv.redisCache),
		RedisStateFault:    redisFault(srv.redisState),
		OpenSearchBlocked:  srv.writesBlocked.Load(),
		RedisStateEvicts:   srv.evictsBuckets.Load(),
		WindowSeconds:      int(telemetry.Window.Seconds()),
		Cache:              srv.traffic.Recent(),
		Started:            srv.traffic.Started(),
		Minutes:            srv.traffic.Minutes(),
		Budgets:            srv.budgets(),
	}
}

// redisPatience is for how long a server that starts waits for Redis, which it does not need.
const redisPatience = 3 * time.Second

// metRedis says that both instances have answered, or were found to be down, or that they have had the time to. Else the first requests of a
// server that has just started wait for its connections longer than they wait for Redis, those behind them are refused as too many, and an
// address that was handed round too early costs an answer.
func (srv *server) metRedis() bool {
	return srv.redisCache == nil || time.Since(srv.started) >= redisPatience ||
		srv.redisCache.Health() != resilience.HealthUnknown && srv.redisState.Health() != resilience.HealthUnknown
}

// guarded is what metrics tell of a dependency that a guard stands before.
func guarded(guard *resilience.Guard) func() telemetry.Dependency {
	return func() telemetry.Dependency {
		return telemetry.Dependency{Breaker: guard.Breaker(), Waiting: guard.Waiting()}
	}
}

// fault is why OpenSearch is down.
func (srv *server) fault() telemetry.DependencyFault {
	if srv.openSearchFault == nil || srv.openSearch() != telemetry.DependencyDown {
		return ""
	}
	return telemetry.DependencyFault(srv.openSearchFault())
}

func redisFault(r *resilience.Redis) telemetry.DependencyFault {
	if r == nil {
		return ""
	}
	return telemetry.DependencyFault(r.Fault())
}

func redisState(r *resilience.Redis) telemetry.DependencyState {
	if r == nil {
		return telemetry.DependencyUnused
	}
	return telemetry.DependencyState(r.Health())
}

func (srv *server) llmState() telemetry.DependencyState {
	if srv.source.Config().LLM.Provider != config.ProviderOpenAI {
		return telemetry.DependencyUnused
	}
	switch healthy, asked := srv.llm.Healthy(); {
	case !asked:
		return telemetry.DependencyUnknown
	case healthy:
		return telemetry.DependencyUp
	default:
		return telemetry.DependencyDown
	}
}
