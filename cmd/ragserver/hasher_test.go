package main

import (
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// TestCallersAreHashedWithASecret: replicas have one, which callers' keys do not change while there is a password.
func TestCallersAreHashedWithASecret(t *testing.T) {
	subject := func(c config.Credentials) string {
		t.Helper()
		hasher, err := newHasher(c)
		if err != nil {
			t.Fatal(err)
		}
		return hasher.Subject("alice")
	}
	withKeys := func(c config.Credentials, keys ...string) config.Credentials {
		for _, key := range keys {
			c.APIKeys = append(c.APIKeys, config.APIKey{Key: key})
		}
		return c
	}
	for name, c := range map[string]config.Credentials{
		"its own key": {CallerHashKey: "k"},
		"the cache":   {RedisCache: config.RedisCredentials{Password: "p"}},
		"the buckets": {RedisState: config.RedisCredentials{Password: "p"}},
		"OpenSearch":  {OpenSearch: config.OpenSearchCredentials{Password: "p"}},
	} {
		if subject(withKeys(c, "a")) != subject(withKeys(c, "b", "a")) {
			t.Errorf("%s: callers' keys change the hash", name)
		}
	}
	if subject(withKeys(config.Credentials{}, "a")) == subject(withKeys(config.Credentials{}, "b")) {
		t.Error("without a password the hash has no secret")
	}
	rotated := config.Credentials{CallerHashKey: "k", RedisCache: config.RedisCredentials{Password: "p"}}
	if subject(rotated) != subject(config.Credentials{CallerHashKey: "k"}) {
		t.Error("another password of Redis changes the hash of callers")
	}
}
