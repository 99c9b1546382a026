package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const secret = "0123456789012345678901"

// What is no key is left out and told by its name and what it must be; the others are used.
func TestParseAPIKeys(t *testing.T) {
	const good = `{"key":"` + secret + `x","tier":"premium","tenant":"acme","role":"admin"}`
	for name, value := range map[string]string{
		"empty":          "",
		"not JSON":       secret,
		"an array":       `["` + secret + `"]`,
		"unknown field":  `{"key":"` + secret + `","rolle":"admin"}`,
		"trailing":       `{"key":"` + secret + `"} x`,
		"short":          `{"key":"` + secret[1:] + `"}`,
		"no key":         `{"role":"admin"}`,
		"unknown role":   `{"key":"` + secret + `","role":"root"}`,
		"wrong type":     `{"key":1}`,
		"key of another": `{"key":"` + secret + `x","role":"client"}`,
	} {
		t.Run(name, func(t *testing.T) {
			set := ParseAPIKeys(map[string][]byte{"alice": []byte(good), "bob": []byte(value)})
			want := []APIKey{{Name: "alice", Key: secret + "x", Tier: "premium", Tenant: "acme", Role: "admin"}}
			if diff := cmp.Diff(want, set.Keys); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
			if len(set.Refused) != 1 || set.Refused[0].Entry != "bob" || set.Refused[0].Why == "" {
				t.Fatalf("refused %+v, want bob", set.Refused)
			}
			if strings.Contains(set.Refused[0].Why, secret[1:]) {
				t.Errorf("%q holds the key", set.Refused[0].Why)
			}
		})
	}
}

// Of entries with the same key the first by name is used, whatever the others say.
func TestEntriesWithTheSameKey(t *testing.T) {
	set := ParseAPIKeys(map[string][]byte{
		"c": []byte(`{"key":"` + secret + `","role":"admin"}`),
		"b": []byte(`{"key":"` + secret + `"}`),
		"a": []byte(`{"key":"` + secret + `","role":"root"}`), // no key, so it owns none
		"d": []byte(`{"key":"` + secret + `d"}`),
	})
	if diff := cmp.Diff([]APIKey{{Name: "b", Key: secret}, {Name: "d", Key: secret + "d"}}, set.Keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if len(set.Refused) != 2 || set.Refused[0].Entry != "a" || set.Refused[1].Entry != "c" || !strings.Contains(set.Refused[1].Why, `"b"`) {
		t.Errorf("refused %+v, want a, and c for the key of b", set.Refused)
	}
}

func TestAnEmptyKeySetSaysWhy(t *testing.T) {
	bad := []byte(`{"key":"` + secret[1:] + `"}`)
	for name, test := range map[string]struct {
		entries map[string][]byte
		says    []string
	}{
		"no entry":     {nil, []string{"no API key"}},
		"one entry":    {map[string][]byte{"alice": bad}, []string{`"alice"`, "128"}},
		"many entries": {map[string][]byte{"a": bad, "b": bad, "c": bad, "d": bad, "e": bad}, []string{`"a"`, `"c"`, "2 more"}},
	} {
		err := ParseAPIKeys(test.entries).Empty()
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		for _, part := range test.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not say %s", name, err, part)
			}
		}
		if strings.Contains(err.Error(), secret[1:]) {
			t.Errorf("%s: %q holds a key", name, err)
		}
	}
	if err := ParseAPIKeys(map[string][]byte{"a": bad, "b": []byte(`{"key":"` + secret + `"}`)}).Empty(); err != nil {
		t.Errorf("with one usable key: %v", err)
	}
}
