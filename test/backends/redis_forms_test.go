package backends_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/backends"
)

func TestSentinelsPutTheReplicaInPlaceOfThePrimary(t *testing.T) {
	t.Parallel()
	r := backends.RedisWithSentinels(t)
	before := r.Primary()
	before.Kill()
	for deadline := time.Now().Add(60 * time.Second); r.Primary() == before; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no other primary within a minute")
		}
	}
	if said, err := r.Primary().Ask("role"); err != nil || !strings.HasPrefix(said, "master") {
		t.Errorf("the primary says of itself: %q %v", said, err)
	}
}

func TestSlotsOfAClusterMoveWithTheirKeys(t *testing.T) {
	t.Parallel()
	c := backends.NewRedisCluster(t, true)
	slot := c.Slot("{tag}:a")
	from := c.Owner(slot)
	to := c.Primaries[0]
	if to == from {
		to = c.Primaries[1]
	}
	for _, key := range []string{"{tag}:a", "{tag}:b"} {
		if _, err := from.Ask("set", key, key); err != nil {
			t.Fatal(err)
		}
	}
	c.Move(slot, to, 0)
	if c.Owner(slot) != to {
		t.Error("the slot has not moved")
	}
	if said, err := to.Ask("get", "{tag}:b"); said != "{tag}:b" {
		t.Errorf("the key at its new place: %q %v", said, err)
	}
	if _, err := from.Ask("get", "{tag}:b"); err == nil || !strings.Contains(err.Error(), "MOVED") {
		t.Errorf("the key at its old place: %v", err)
	}
}
