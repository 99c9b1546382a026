package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseAPIKey(t *testing.T) {
	const secret = "0123456789012345678901"
	got, err := ParseAPIKey("ci", []byte(`{"key":"`+secret+`","tier":"premium","tenant":"acme","role":"admin"}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(APIKey{Name: "ci", Key: secret, Tier: "premium", Tenant: "acme", Role: "admin"}, got); diff != "" {
		t.Error(diff)
	}
	for name, value := range map[string]string{
		"not JSON":      secret,
		"an array":      `["` + secret + `"]`,
		"unknown field": `{"key":"` + secret + `","rolle":"admin"}`,
		"trailing":      `{"key":"` + secret + `"} x`,
		"short":         `{"key":"` + secret[1:] + `"}`,
		"no key":        `{"role":"admin"}`,
		"unknown role":  `{"key":"` + secret + `","role":"root"}`,
		"wrong type":    `{"key":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseAPIKey("ci", []byte(value))
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), `"ci"`) || strings.Contains(err.Error(), secret[1:]) {
				t.Errorf("%q does not name the entry, or holds the key", err)
			}
		})
	}
}
