package desired

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Files of Redis. The password is in a file of its own, from the Secret, which redis.conf includes.
const (
	redisConfFile = "redis.conf"
	redisConfDir  = "/etc/redis"
	redisAuthFile = "auth/" + RedisAuthConfKey
	redisDataDir  = "/data"
)

// redisConf is the redis.conf of an instance: one directive a line.
type redisConf []string

func (c redisConf) String() string { return strings.Join(c, "\n") + "\n" }

// baseConf is what both instances share. maxmemory is in bytes.
func baseConf(memory resource.Quantity) redisConf {
	return redisConf{
		"include " + redisConfDir + "/" + redisAuthFile,
		"bind * -::*",
		"port " + strconv.Itoa(int(redisPort)),
		"dir " + redisDataDir,
		"maxmemory " + strconv.FormatInt(memory.Value(), 10),
		"tcp-keepalive 60",
		`save ""`,
	}
}

// cacheConf keeps nothing over a restart and forgets what is used least.
func cacheConf(memory resource.Quantity) redisConf {
	return append(baseConf(memory),
		"maxmemory-policy allkeys-lfu",
		"lazyfree-lazy-eviction yes",
		"lazyfree-lazy-expire yes",
		"appendonly no",
	)
}

// stateConf forgets nothing and loses at most a second's writes. The append-only file is rewritten when it has doubled, and from
// an eighth of the volume on. Memory is at most a quarter of the volume, so that the file, its successor and the writes of
// meanwhile fit.
func stateConf(memory, storage resource.Quantity) redisConf {
	return append(baseConf(memory),
		"maxmemory-policy noeviction",
		"appendonly yes",
		"appendfsync everysec",
		"auto-aof-rewrite-percentage 100",
		"auto-aof-rewrite-min-size "+strconv.FormatInt(storage.Value()/8, 10),
	)
}
