package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

func TestParseJWKS(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	one := func(key jose.JSONWebKey) string {
		text, err := json.Marshal(key)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	public := one(jose.JSONWebKey{Key: &private.PublicKey, KeyID: "a"})
	for name, tt := range map[string]struct {
		keys []string
		want int
		says string
	}{
		"one":                      {[]string{public}, 1, ""},
		"a kind that is not known": {[]string{`{"kty":"PQC","kid":"b"}`, public}, 1, ""},
		"one for encryption":       {[]string{one(jose.JSONWebKey{Key: &private.PublicKey, Use: "enc"}), public}, 1, ""},
		"a shared secret":          {[]string{`{"kty":"oct","k":"c2VjcmV0"}`, public}, 1, ""},
		"a shared secret alone":    {[]string{`{"kty":"oct","k":"c2VjcmV0"}`}, 0, "a public key"},
		"none":                     {nil, 0, "a public key"},
		"a private key":            {[]string{one(jose.JSONWebKey{Key: private}), public}, 0, "a private key"},
	} {
		keys, err := config.ParseJWKS([]byte(`{"keys":[` + strings.Join(tt.keys, ",") + `]}`))
		if len(keys) != tt.want || (err != nil) != (tt.says != "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %d keys, %v, want %d and %q", name, len(keys), err, tt.want, tt.says)
		}
	}
	if _, err := config.ParseJWKS([]byte(`nonsense`)); err == nil {
		t.Error("nonsense is no set of keys")
	}
}
