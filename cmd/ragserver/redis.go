package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

func (srv *server) openRedis(s setup) error {
	stores := s.source.Config().Stores.Redis
	if stores == nil {
		return nil
	}
	cache, err := redisOptions(s, stores.Cache, s.credentials.RedisCache)
	if err != nil {
		return fmt.Errorf("stores.redis.cache: %w", err)
	}
	state, err := redisOptions(s, stores.State, s.credentials.RedisState)
	if err != nil {
		return fmt.Errorf("stores.redis.state: %w", err)
	}
	srv.redisCache, srv.redisState = srv.openInstance("cache", cache), srv.openInstance("state", state)
	srv.metrics.Dependency("redis-cache", guarded(srv.redisCache.Guard()))
	srv.metrics.Dependency("redis-state", guarded(srv.redisState.Guard()))
	srv.background = append(srv.background,
		func(ctx context.Context) { srv.watchRedis(ctx, "cache", srv.redisCache, func(resilience.RedisInfo) {}) },
		func(ctx context.Context) { srv.watchRedis(ctx, "state", srv.redisState, srv.evictionSeen) },
	)
	return nil
}

// redisOptions say where an instance is, and how it is known.
func redisOptions(s setup, r config.RedisInstance, c config.RedisCredentials) (resilience.RedisOptions, error) {
	o := resilience.RedisOptions{
		Address:  r.Address,
		Cluster:  r.Cluster,
		Key:      ratelimit.Prefix(s.source.Config().Service),
		Username: c.Username,
		Password: c.Password,
	}
	if r.Sentinel != nil {
		o.Sentinel = &resilience.Sentinel{
			Addresses:  r.Sentinel.Addresses,
			MasterName: r.Sentinel.MasterName,
			Username:   c.SentinelUsername,
			Password:   c.SentinelPassword,
		}
	}
	if r.TLS == nil {
		return o, nil
	}
	o.TLS = &tls.Config{ServerName: r.TLS.ServerName, MinVersion: tls.VersionTLS12}
	if c.CA == "" {
		return o, nil
	}
	o.TLS.RootCAs = x509.NewCertPool()
	if !o.TLS.RootCAs.AppendCertsFromPEM([]byte(c.CA)) {
		return o, errors.New("what is to sign its certificate is no certificate in PEM")
	}
	return o, nil
}

func (srv *server) openInstance(instance string, o resilience.RedisOptions) *resilience.Redis {
	o.OnCall = func(operation string, outcome resilience.Outcome, took time.Duration) {
		srv.metrics.Redis(instance, operation, string(outcome), took)
	}
	o.OnHealth = func(health resilience.Health, why resilience.Outcome) {
		if health == resilience.HealthUp {
			srv.log.Write(context.Background(), logging.DatabaseConnectionRestored{Dependency: "redis-" + instance})
			return
		}
		srv.log.Write(context.Background(), logging.DatabaseConnectionLost{Dependency: "redis-" + instance, Code: string(why)})
	}
	return resilience.NewRedis(o)
}

// infoRetry is how soon Redis is asked again about itself when it did not answer, twice as late each time.
const infoRetry = 2 * time.Second

// watchRedis asks an instance about itself, twice a minute: what it uses, and whether it may evict keys, which somebody may change.
func (srv *server) watchRedis(ctx context.Context, instance string, of *resilience.Redis, seen func(resilience.RedisInfo)) {
	retry := infoRetry
	for wait := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		info, err := of.Info(ctx)
		if err != nil { // one who may not ask never learns it
			wait, retry = retry, min(2*retry, watchEvery)
			continue
		}
		wait, retry = watchEvery, infoRetry
		srv.metrics.RedisSays(instance, info.RedisFigures)
		seen(info)
	}
}

// evictionSeen tells when the Redis with the buckets begins to evict them.
func (srv *server) evictionSeen(info resilience.RedisInfo) {
	if evicts := info.EvictionPolicy != ""; srv.evictsBuckets.Swap(evicts) != evicts && evicts {
		srv.log.Write(context.Background(), logging.RedisEvictionUnsafe{Policy: info.EvictionPolicy})
	}
}

func (srv *server) closeRedis(context.Context) error {
	if srv.redisCache == nil {
		return nil
	}
	return errors.Join(srv.redisCache.Close(), srv.redisState.Close())
}
