package rag

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
)

func TestTenantsHaveTokensOfTheirOwn(t *testing.T) {
	d := NewControlDocument("documents-v1", "1")
	before := d.State("other")
	if mine := d.State("mine"); mine.Token != before.Token || mine.Token == "" || mine.Open {
		t.Errorf("before any change the states are %+v and %+v, want one token, closed", mine, before)
	}
	d.Begin(TenantKey("mine"), "w")
	if mine := d.State("mine"); mine.Token == before.Token || !mine.Open || mine.Index != "documents-v1" {
		t.Errorf("during a change the state is %+v, want another token, open", mine)
	}
	if other := d.State("other"); other != before {
		t.Errorf("another tenant's state became %+v, want %+v", other, before)
	}
}

func TestRenewals(t *testing.T) {
	d, key := NewControlDocument("i", "1"), TenantKey("t")
	d.Begin(key, "w")
	token := d.State("t").Token
	d.Renew(key, "w")
	if now := d.State("t"); now.Token != token || d.Tenants[key].Writers["w"] != 1 {
		t.Errorf("a renewal gave %+v, %+v; want the same token and one renewal", now, d.Tenants[key])
	}
	d.Publish(key, "w") // by a replica that took the writer for dead
	token = d.State("t").Token
	d.Renew(key, "w")
	if now := d.State("t"); now.Token == token || !now.Open {
		t.Errorf("a renewal after the change was closed gave %+v, want a new token, open", now)
	}
}

// With any number of tenants the document stays small, and no tenant meets a token again.
func TestControlDocumentStaysSmall(t *testing.T) {
	d := NewControlDocument("documents-v1", "1")
	d.Begin(TenantKey("uploading"), "long upload")
	seen := map[Token]string{d.Base: "base"}
	last := map[string]Token{}
	for i := range 5000 {
		tenant := fmt.Sprint("tenant", i%1700)
		if now := d.State(tenant).Token; seen[now] == tenant && last[tenant] != now {
			t.Fatalf("%s met a token of before its last change", tenant)
		}
		d.Begin(TenantKey(tenant), "w")
		d.Publish(TenantKey(tenant), "w")
		now := d.State(tenant).Token
		if _, met := seen[now]; met {
			t.Fatalf("%s met a token again", tenant)
		}
		seen[now], last[tenant] = tenant, now
	}
	for tenant, token := range last {
		if now := d.State(tenant).Token; now != token && (now != d.Base || seen[now] != "") {
			t.Errorf("%s has fallen back to %q, which somebody had before", tenant, now)
		}
	}
	if !d.State("uploading").Open {
		t.Error("a change under way was dropped")
	}
	encoded, err := json.Marshal(d)
	if err != nil || len(encoded) > 24<<10 {
		t.Errorf("the document has %d bytes, %v; want at most 24 kB", len(encoded), err)
	}
}

func TestSwapOfTheIndexDrawsEveryToken(t *testing.T) {
	d := NewControlDocument("documents-v1", "1")
	d.Begin(TenantKey("open"), "w")
	d.Begin(TenantKey("closed"), "w")
	d.Publish(TenantKey("closed"), "w")
	before := map[string]State{}
	for _, tenant := range []string{"open", "closed", "quiet"} {
		before[tenant] = d.State(tenant)
	}
	d.SwapIndex("documents-v2", "2", "model")
	for tenant, old := range maps.All(before) {
		if now := d.State(tenant); now.Token == old.Token || now.Open != old.Open || now.Index != "documents-v2" {
			t.Errorf("%s: %+v became %+v, want another token of the new index", tenant, old, now)
		}
	}
	if d.Analyser != "2" || d.Embedding != "model" {
		t.Errorf("the document says analyser %s, embedding %q", d.Analyser, d.Embedding)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	d, key := NewControlDocument("i", "1"), TenantKey("t")
	d.Begin(key, "w")
	c := d.Clone()
	before := d.State("t")
	c.Renew(key, "w")
	c.Publish(key, "w")
	if d.State("t") != before || d.Tenants[key].Writers["w"] != 0 {
		t.Errorf("a change of the clone changed the original: %+v", d.Tenants[key])
	}
}
