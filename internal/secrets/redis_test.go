package secrets_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

// TestSecretsOfAnExternalRedis names what is missing by its field, and generates no password.
func TestSecretsOfAnExternalRedis(t *testing.T) {
	t.Parallel()
	const cache, state, authority = "spec.redis.external.authSecretRef", "spec.redis.external.state.authSecretRef",
		"spec.redis.external.state.tls.caSecretRef"
	w := newWorld(t, desiredtest.ExternalRedis())
	want := []desired.SecretProblem{
		{Field: cache, Secret: "redis-user", Key: "password", Reason: "SecretNotFound"},
		{Field: state, Secret: "buckets-user", Key: "password", Reason: "SecretNotFound"},
	}
	read := func() desired.SecretFacts {
		t.Helper()
		in := w.read()
		if diff := cmp.Diff(want, in.Problems); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
		for _, c := range in.Candidates {
			if c.Name == desired.RedisSecretName("papers") {
				t.Error("a password is generated that nobody uses")
			}
		}
		assertHoldsNo(t, in, "of-redis")
		return in
	}
	read()
	w.create("redis-user", map[string]string{"username": "rag"})
	w.create("buckets-user", map[string]string{"password": "of-redis"})
	w.set("authority", "bundle.pem", "none")
	want = []desired.SecretProblem{
		{Field: authority, Secret: "authority", Key: "bundle.pem", Reason: "SecretInvalid"},
		{Field: cache, Secret: "redis-user", Key: "password", Reason: "SecretKeyNotFound"},
	}
	read()
	want = nil
	w.set("redis-user", "password", "of-redis")
	w.set("authority", "bundle.pem", certificate(t))
	before := read()
	w.adopt(before.Candidates)
	before = read()
	for _, step := range []struct {
		secret, key string
		rolls       bool
	}{
		{"redis-user", "password", true},
		{"redis-user", "username", true},
		{"redis-user", "unrelated", false},
		{"buckets-user", "sentinel-password", true}, // which was not there
	} {
		w.set(step.secret, step.key, "another-of-redis")
		after := read()
		if rolled := after.RollHashes[desired.ComponentServer] != before.RollHashes[desired.ComponentServer]; rolled != step.rolls {
			t.Errorf("%s of %s: the servers roll: %t, want %t", step.key, step.secret, rolled, step.rolls)
		}
		before = after
	}
}
