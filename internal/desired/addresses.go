package desired

import (
	"fmt"
	"net"
	"strconv"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// endpoint is the address of the server inside the cluster.
func endpoint(rag *v1alpha1.RAGService) string { return "http://" + host(rag, ComponentServer) }

// host is the name in the cluster's DNS of a component's Service.
func host(rag *v1alpha1.RAGService, c Component) string {
	return fmt.Sprintf("%s.%s.svc", Name(rag.Name, c), rag.Namespace)
}

// RedisHosts are the names of both managed Redis instances: what servers dial, and its shorter forms, for people in a pod.
func RedisHosts(rag *v1alpha1.RAGService) []string {
	var names []string
	for _, c := range []Component{ComponentRedisCache, ComponentRedisState} {
		name := Name(rag.Name, c)
		names = append(names, host(rag, c), name+"."+rag.Namespace, name)
	}
	return names
}

// stores are the addresses of the service's own stores, and of a Redis that the operator does not run.
func stores(rag *v1alpha1.RAGService) config.Stores {
	address := func(c Component, port int32) string {
		return net.JoinHostPort(host(rag, c), strconv.Itoa(int(port)))
	}
	redis := serverconfig.ExternalRedis(rag)
	if redis == nil {
		redis = &config.Redis{
			Cache: config.RedisInstance{Address: address(ComponentRedisCache, redisPort)},
			State: config.RedisInstance{Address: address(ComponentRedisState, redisPort)},
		}
		if serverconfig.ManagedRedisTLS(rag) {
			redis.Cache.TLS, redis.State.TLS = &config.RedisTLS{}, &config.RedisTLS{}
		}
	}
	return config.Stores{
		OpenSearch: serverconfig.OpenSearch(rag, "http://"+address(ComponentOpenSearch, OpenSearchPort)),
		Redis:      redis,
	}
}
