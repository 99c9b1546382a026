package desired

import (
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Files of Redis. The password is in a file of its own, from the Secret, which redis.conf includes.
const (
	redisConfFile = "redis.conf"
	redisConfDir  = "/etc/redis"
	redisAuthFile = "auth/" + RedisAuthConfKey
	redisTLSDir   = "tls"
	redisDataDir  = "/data"
)

// redisConf is the redis.conf of an instance: one directive a line.
type redisConf []string

func (c redisConf) String() string { return strings.Join(c, "\n") + "\n" }

// listen is where an instance takes connections. By TLS it takes no others; clients show their password and no certificate.
func listen(tls bool) redisConf {
	port := strconv.Itoa(int(redisPort))
	if !tls {
		return redisConf{"bind * -::*", "port " + port}
	}
	const dir = redisConfDir + "/" + redisTLSDir + "/"
	return redisConf{
		"bind * -::*",
		"port 0",
		"tls-port " + port,
		"tls-cert-file " + dir + RedisCertificateKey,
		"tls-key-file " + dir + RedisCertificateKeyKey,
		"tls-auth-clients no",
	}
}

// baseConf is what both instances share. maxmemory is in bytes.
func baseConf(memory resource.Quantity, tls bool) redisConf {
	return slices.Concat(redisConf{"include " + redisConfDir + "/" + redisAuthFile}, listen(tls), redisConf{
		"dir " + redisDataDir,
		"maxmemory " + strconv.FormatInt(memory.Value(), 10),
		"tcp-keepalive 60",
		`save ""`,
	})
}

// cacheConf keeps nothing over a restart and forgets what is used least.
func cacheConf(memory resource.Quantity, tls bool) redisConf {
	return append(baseConf(memory, tls),
		"maxmemory-policy allkeys-lfu",
		"lazyfree-lazy-eviction yes",
		"lazyfree-lazy-expire yes",
		"appendonly no",
	)
}

// stateConf forgets nothing and loses at most a second's writes. The append-only file is rewritten when it has doubled, and from
// an eighth of the volume on. Memory is at most a quarter of the volume, so that the file, its successor and the writes of
// meanwhile fit.
func stateConf(memory, storage resource.Quantity, tls bool) redisConf {
	return append(baseConf(memory, tls),
		"maxmemory-policy noeviction",
		"appendonly yes",
		"appendfsync everysec",
		"auto-aof-rewrite-percentage 100",
		"auto-aof-rewrite-min-size "+strconv.FormatInt(storage.Value()/8, 10),
	)
}
