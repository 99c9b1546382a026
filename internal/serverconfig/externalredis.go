package serverconfig

import (
	"cmp"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// RedisCacheConnection is where cached results are in a Redis that the operator does not run, with the field that says so; nil for a managed
// one.
func RedisCacheConnection(rag *v1alpha1.RAGService) (connection *v1alpha1.RedisConnection, field string) {
	external := rag.Spec.Redis.External
	if external == nil {
		return nil, ""
	}
	return &external.RedisConnection, "spec.redis.external"
}

// RedisStateConnection is where the buckets are: there as well, when no other Redis is named for them.
func RedisStateConnection(rag *v1alpha1.RAGService) (connection *v1alpha1.RedisConnection, field string) {
	if external := rag.Spec.Redis.External; external != nil && external.State != nil {
		return &external.State.RedisConnection, "spec.redis.external.state"
	}
	return RedisCacheConnection(rag)
}

// ExternalRedis is where servers find a Redis that the operator does not run; nil for a managed one.
func ExternalRedis(rag *v1alpha1.RAGService) *config.Redis {
	cache, _ := RedisCacheConnection(rag)
	if cache == nil {
		return nil
	}
	state, _ := RedisStateConnection(rag)
	return &config.Redis{Cache: redisConnection(cache), State: redisConnection(state)}
}

func redisConnection(c *v1alpha1.RedisConnection) config.RedisInstance {
	addresses := make([]string, len(c.Addresses))
	for i, address := range c.Addresses {
		addresses[i] = string(address)
	}
	var r config.RedisInstance
	switch cmp.Or(c.Mode, v1alpha1.RedisModeStandalone) {
	case v1alpha1.RedisModeSentinel:
		r.Sentinel = &config.RedisSentinel{Addresses: addresses, MasterName: c.MasterName}
	case v1alpha1.RedisModeCluster:
		r.Cluster = addresses
	case v1alpha1.RedisModeStandalone:
		if len(addresses) > 0 {
			r.Address = addresses[0]
		}
	}
	if c.TLS != nil {
		r.TLS = &config.RedisTLS{ServerName: c.TLS.ServerName}
	}
	return r
}
