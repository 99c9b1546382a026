package main

import (
	"os"
	"path/filepath"
	"strings"
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

// TestAMountedHashKeyIsOne: in its place no password is taken, by which the server would name callers otherwise than the others do.
func TestAMountedHashKeyIsOne(t *testing.T) {
	for name, test := range map[string]struct{ content, problem string }{
		"none":           {"", "0 bytes"},
		"only a newline": {"\n", "0 bytes"},
		"short":          {strings.Repeat("k", 15), "15 bytes"},
		"enough":         {strings.Repeat("k", 16), ""},
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, config.HashKeysSecretDir), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, config.HashKeysSecretDir, config.CallerHashKeyFile), []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := mountedCredentials(dir, 0)
		switch {
		case test.problem == "" && (err != nil || got.CallerHashKey != test.content):
			t.Errorf("%s: %q, %v", name, got.CallerHashKey, err)
		case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
			t.Errorf("%s: %v, want an error about %s", name, err, test.problem)
		}
	}
	empty := t.TempDir()
	if err := os.Mkdir(filepath.Join(empty, config.HashKeysSecretDir), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := mountedCredentials(empty, 0); err == nil {
		t.Error("a mounted Secret without the entry is taken")
	}
}
