package desired

import (
	"net"
	"reflect"
	"slices"
	"strconv"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// externalInstance is an instance of a Redis that the operator does not run.
type externalInstance struct {
	*v1alpha1.RedisConnection
	// field names it in the spec; dir and authorityDir are the folders of its Secrets.
	field, dir, authorityDir string
}

// externalRedis are both instances; none for a managed Redis.
func externalRedis(rag *v1alpha1.RAGService) []externalInstance {
	cache, cacheField := serverconfig.RedisCacheConnection(rag)
	state, stateField := serverconfig.RedisStateConnection(rag)
	if cache == nil {
		return nil
	}
	return []externalInstance{
		{cache, cacheField, config.RedisSecretDir, config.RedisCADir},
		{state, stateField, config.RedisStateSecretDir, config.RedisStateCADir},
	}
}

// redisFolders are those of both instances' passwords, and of the authorities of a managed Redis with TLS. A Secret of the spec is mounted whole, since some of its entries may be left out.
func redisFolders(rag *v1alpha1.RAGService) []folder {
	if rag.Spec.Redis.External == nil {
		password := keyToPath(RedisPasswordKey, config.RedisPasswordFile)
		folders := []folder{
			secretFolder(config.RedisSecretDir, RedisSecretName(rag.Name), password),
			secretFolder(config.RedisStateSecretDir, RedisSecretName(rag.Name), password),
		}
		if serverconfig.ManagedRedisTLS(rag) {
			authorities := keyToPath(RedisAuthoritiesKey, config.AuthorityFile)
			folders = append(folders,
				secretFolder(config.RedisCADir, RedisTLSSecretName(rag.Name), authorities),
				secretFolder(config.RedisStateCADir, RedisTLSSecretName(rag.Name), authorities))
		}
		return folders
	}
	var folders []folder
	for _, c := range externalRedis(rag) {
		if c.AuthSecretRef != nil {
			folders = append(folders, secretFolder(c.dir, c.AuthSecretRef.Name))
		}
	}
	return folders
}

// toExternalRedis lets servers connect to the addresses of the spec. Nodes of a Cluster are taken to have the port of one that it names.
func toExternalRedis(rag *v1alpha1.RAGService) []*egressRule {
	var rules []*egressRule
	for _, c := range externalRedis(rag) {
		for _, address := range c.Addresses {
			for _, rule := range toRedis(rag.Namespace, string(address), c.Mode) {
				if !slices.ContainsFunc(rules, func(known *egressRule) bool { return reflect.DeepEqual(known, rule) }) {
					rules = append(rules, rule)
				}
			}
		}
	}
	return rules
}

// toRedis opens Redis's usual port beside that of sentinels, which name other addresses.
func toRedis(ownNamespace, address string, mode v1alpha1.RedisMode) []*egressRule {
	host, text, _ := net.SplitHostPort(address)
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil { // the schema has checked it
		return nil
	}
	ports := []int32{int32(number)}
	if mode == v1alpha1.RedisModeSentinel && number != int64(redisPort) {
		ports = append(ports, redisPort)
	}
	return toHost(ownNamespace, host, ports...)
}
