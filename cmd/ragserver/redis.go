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
	srv.background = append(srv.background, srv.watchEviction)
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

const (
	// evictionEvery is how often Redis is asked whether it may evict buckets: somebody may change that while it runs.
	evictionEvery = time.Minute
	// evictionRetry is how soon it is asked again when it did not answer, twice as late each time.
	evictionRetry = 2 * time.Second
)

// watchEviction looks whether the Redis with the buckets may evict them, and tells it when that begins.
func (srv *server) watchEviction(ctx context.Context) {
	retry := evictionRetry
	for wait := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		policy, err := srv.redisState.EvictionPolicy(ctx)
		if err != nil { // one who may not ask never learns it
			wait, retry = retry, min(2*retry, evictionEvery)
			continue
		}
		wait, retry = evictionEvery, evictionRetry
		if evicts := policy != ""; srv.evictsBuckets.Swap(evicts) != evicts && evicts {
			srv.log.Write(ctx, logging.RedisEvictionUnsafe{Policy: policy})
		}
	}
}

func (srv *server) closeRedis(context.Context) error {
	if srv.redisCache == nil {
		return nil
	}
	return errors.Join(srv.redisCache.Close(), srv.redisState.Close())
}
