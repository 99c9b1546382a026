package secrets

import (
	"context"
	"errors"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// externalRedis looks for the passwords of a Redis that the operator does not run.
func (s *resolver) externalRedis(ctx context.Context) error {
	cache, cacheField := serverconfig.RedisCacheConnection(s.rag)
	state, stateField := serverconfig.RedisStateConnection(s.rag)
	err := s.redisConnection(ctx, cacheField, cache)
	if state != cache {
		err = errors.Join(err, s.redisConnection(ctx, stateField, state))
	}
	return err
}

func (s *resolver) redisConnection(ctx context.Context, field string, c *v1alpha1.RedisConnection) error {
	if c.AuthSecretRef == nil {
		return nil
	}
	name := c.AuthSecretRef.Name
	password := desired.ServerSecret{Field: field + ".authSecretRef", Ref: v1alpha1.SecretKeyReference{Name: name, Key: config.RedisPasswordFile}}
	return errors.Join(s.entryOfServers(ctx, password),
		s.furtherEntries(ctx, name, config.RedisUsernameFile, config.RedisSentinelPasswordFile, config.RedisSentinelUsernameFile))
}

// furtherEntries notes which of the entries there are: another value of one rolls the servers.
func (s *resolver) furtherEntries(ctx context.Context, name string, keys ...string) error {
	found, err := s.referenced(ctx, name)
	for _, key := range keys {
		if value, ok := found[key]; ok {
			s.uses = append(s.uses, use{name, key, value, onlyServer})
		}
	}
	return err
}
