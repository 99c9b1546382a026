package resilience_test

import (
	"testing"

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
			if got, err := r.EvictionPolicy(t.Context()); err != nil || got != test.want {
				t.Errorf("%q %v, want %q", got, err, test.want)
			}
		})
	}
}

// TestEvictionPolicyOfACluster has one primary that evicts.
func TestEvictionPolicyOfACluster(t *testing.T) {
	t.Parallel()
	b := backends.NewRedisCluster(t, false, "--maxmemory", "100mb")
	r, _ := guard(t, resilience.RedisOptions{Cluster: b.Addresses(), Key: "k", Timeout: patience})
	if got, err := r.EvictionPolicy(t.Context()); err != nil || got != "" {
		t.Fatalf("%q %v, want none", got, err)
	}
	if _, err := b.Primaries[1].Ask("config", "set", "maxmemory-policy", "allkeys-lru"); err != nil {
		t.Fatal(err)
	}
	if got, err := r.EvictionPolicy(t.Context()); err != nil || got != "allkeys-lru" {
		t.Errorf("%q %v, want that of the one", got, err)
	}
}
