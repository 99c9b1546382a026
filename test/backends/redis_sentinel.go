package backends

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// SentinelMaster is what the sentinels call the primary.
const SentinelMaster = "papers"

// ReplicatedRedis is a Redis with a replica, watched by sentinels.
type ReplicatedRedis struct {
	Servers   []*RedisServer
	Sentinels []*RedisServer
}

// RedisWithSentinels starts a primary, a replica and three sentinels, of which two have to agree, and waits until they know each other.
// The replica takes the primary's place a second after that has gone. args are for both servers.
func RedisWithSentinels(tb testing.TB, args ...string) *ReplicatedRedis {
	tb.Helper()
	args = append([]string{"--repl-diskless-sync-delay", "0"}, args...)
	primary := Redis(tb, args...)
	replica := Redis(tb, append(args, "--replicaof", "127.0.0.1 "+strconv.Itoa(primary.port))...)
	r := &ReplicatedRedis{Servers: []*RedisServer{primary, replica}}
	replica.await("master_link_status:up", "info", "replication")
	for range 3 {
		r.Sentinels = append(r.Sentinels, newSentinel(tb, primary))
	}
	for _, s := range r.Sentinels {
		s.await("num-other-sentinels\n2\n", "sentinel", "master", SentinelMaster)
		s.await("num-slaves\n1\n", "sentinel", "master", SentinelMaster)
	}
	return r
}

func newSentinel(tb testing.TB, primary *RedisServer) *RedisServer {
	tb.Helper()
	s := newRedis(tb, "--sentinel")
	s.config = filepath.Join(s.dir, "sentinel.conf") // which it writes, too
	s.startAnywhere(func() {
		settings := fmt.Sprintf("sentinel monitor %[1]s 127.0.0.1 %[2]d 2\nsentinel down-after-milliseconds %[1]s 1000\n"+
			"sentinel failover-timeout %[1]s 10000\n", SentinelMaster, primary.port)
		if err := os.WriteFile(s.config, []byte(settings), 0o600); err != nil {
			tb.Fatal(err)
		}
	})
	return s
}

// Addresses are those of the sentinels.
func (r *ReplicatedRedis) Addresses() []string {
	var all []string
	for _, s := range r.Sentinels {
		all = append(all, s.Addr())
	}
	return all
}

// Primary is the server that the first sentinel calls so.
func (r *ReplicatedRedis) Primary() *RedisServer {
	tb := r.Sentinels[0].tb
	tb.Helper()
	said := strings.Fields(r.Sentinels[0].ask("sentinel", "get-master-addr-by-name", SentinelMaster))
	for _, s := range r.Servers {
		if len(said) == 2 && s.Addr() == net.JoinHostPort(said[0], said[1]) {
			return s
		}
	}
	tb.Fatalf("the sentinel calls %v the primary", said)
	return nil
}
