package resilience_test

import (
	"context"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

func TestEvictionPolicy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"all keys":          {[]string{"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lfu"}, "allkeys-lfu"},
		"those that expire": {[]string{"--maxmemory", "100mb", "--maxmemory-policy", "volatile-ttl"}, "volatile-ttl"},
		"none":              {[]string{"--maxmemory", "100mb", "--maxmemory-policy", "noeviction"}, ""},
		"without a bound":   {[]string{"--maxmemory", "0", "--maxmemory-policy", "allkeys-lfu"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := guard(t, resilience.RedisOptions{Address: backends.Redis(t, test.args...).Addr(), Timeout: patience})
			if got, err := r.Info(t.Context()); err != nil || got.EvictionPolicy != test.want {
				t.Errorf("%q %v, want %q", got.EvictionPolicy, err, test.want)
			}
		})
	}
}

// TestEvictionPolicyOfACluster has one primary that evicts.
func TestEvictionPolicyOfACluster(t *testing.T) {
	t.Parallel()
	b := backends.NewRedisCluster(t, false, "--maxmemory", "100mb")
	r, _ := guard(t, resilience.RedisOptions{Cluster: b.Addresses(), Key: "k", Timeout: patience})
	if got, err := r.Info(t.Context()); err != nil || got.EvictionPolicy != "" {
		t.Fatalf("%q %v, want none", got.EvictionPolicy, err)
	}
	if _, err := b.Primaries[1].Ask("config", "set", "maxmemory-policy", "allkeys-lru"); err != nil {
		t.Fatal(err)
	}
	got, err := r.Info(t.Context())
	if err != nil || got.EvictionPolicy != "allkeys-lru" {
		t.Errorf("%q %v, want that of the one", got.EvictionPolicy, err)
	}
	if want := float64(100 << 20 * len(b.Primaries)); got.MemoryMax != want {
		t.Errorf("its primaries may use %g bytes, want %g", got.MemoryMax, want)
	}
}

// TestRedisSaysWhatItUses compares with what was done to it.
func TestRedisSaysWhatItUses(t *testing.T) {
	t.Parallel()
	b := backends.Redis(t, "--maxmemory", "100mb", "--appendonly", "yes")
	r, _ := guard(t, resilience.RedisOptions{Address: b.Addr(), Timeout: patience})
	value := strings.Repeat("v", 1<<20)
	for _, key := range []string{"a", "b", "c"} {
		if err := r.Do(t.Context(), "set", func(ctx context.Context, client redis.UniversalClient) error {
			return client.Set(ctx, key, value, 0).Err()
		}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := r.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const wrote = 3 << 20
	for name, is := range map[string]bool{
		"keys":      got.Keys == 3,
		"memory":    got.MemoryUsed > wrote && got.MemoryUsed < got.MemoryMax && got.MemoryMax == 100<<20,
		"disk":      got.DiskUsed > wrote,
		"received":  got.Received > wrote,
		"commands":  got.Commands >= 3,
		"clients":   got.Clients >= 1,
		"processor": got.CPUSeconds > 0,
		"no losses": got.Evicted == 0 && got.Expired == 0,
	} {
		if !is {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
