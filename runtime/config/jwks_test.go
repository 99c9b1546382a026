package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"math/big"
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
	rsaKey := func(bits int) string {
		modulus := new(big.Int).SetBit(big.NewInt(1), bits-1, 1)
		return one(jose.JSONWebKey{Key: &rsa.PublicKey{N: modulus, E: 65537}})
	}
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
		"an RSA key":               {[]string{rsaKey(2048)}, 1, ""},
		"a short RSA key":          {[]string{rsaKey(2047), public}, 1, ""},
		"a short RSA key alone":    {[]string{rsaKey(1024)}, 0, "2048"},
		"none":                     {nil, 0, "a public key"},
		"a private key":            {[]string{one(jose.JSONWebKey{Key: private}), public}, 0, "a private key"},
	} {
		keys, weak, err := config.ParseJWKS([]byte(`{"keys":[` + strings.Join(tt.keys, ",") + `]}`))
		if (weak == 1) != strings.HasPrefix(name, "a short") {
			t.Errorf("%s: %d weak keys", name, weak)
		}
		if len(keys) != tt.want || (err != nil) != (tt.says != "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %d keys, %v, want %d and %q", name, len(keys), err, tt.want, tt.says)
		}
	}
	if _, _, err := config.ParseJWKS([]byte(`nonsense`)); err == nil {
		t.Error("nonsense is no set of keys")
	}
}
