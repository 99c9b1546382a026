package serverconfig_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

func TestExternalRedis(t *testing.T) {
	alone := config.RedisInstance{Address: "a:6379"}
	for name, test := range map[string]struct {
		redis string
		want  *config.Redis
	}{
		"managed":         {"{managed: {}}", nil},
		"not given":       {"{}", nil},
		"one for both":    {"{external: {addresses: ['a:6379']}}", &config.Redis{Cache: alone, State: alone}},
		"by an authority": {"{external: {addresses: ['a:6379'], tls: {}}}", both(config.RedisInstance{Address: "a:6379", TLS: &config.RedisTLS{}})},
		"a cluster and an own state": {
			"{external: {mode: Cluster, addresses: ['a:1', 'b:2'], state: {mode: Sentinel, addresses: ['c:3'], masterName: m, tls: {serverName: s}}}}",
			&config.Redis{
				Cache: config.RedisInstance{Cluster: []string{"a:1", "b:2"}},
				State: config.RedisInstance{
					Sentinel: &config.RedisSentinel{Addresses: []string{"c:3"}, MasterName: "m"}, TLS: &config.RedisTLS{ServerName: "s"},
				},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			rag := load(t, extractive+"  redis: "+test.redis+"\n")
			got := serverconfig.ExternalRedis(rag)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if _, err := serverconfig.Build(rag, config.Stores{Redis: got}); err != nil {
				t.Error(err)
			}
		})
	}
}

func both(r config.RedisInstance) *config.Redis { return &config.Redis{Cache: r, State: r} }
