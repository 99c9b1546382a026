package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func inPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// otherAuthority is a certificate that signs nothing: all servers of net/http/httptest have the same one.
func otherAuthority(t *testing.T) string {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return inPEM(der)
}

// TestModelOfAPrivateAuthority asks a model whose certificate is of its own authority, which the manifest names.
func TestModelOfAPrivateAuthority(t *testing.T) {
	model, authority := openaitest.NewTLS(t)
	other := otherAuthority(t)
	down := openaitest.New(t)
	down.Always(openaitest.Chat, openaitest.Behaviour{Status: http.StatusInternalServerError})
	llm := fmt.Sprintf("provider: OpenAI, model: m, timeout: 30s, baseURL: '%s'", model.BaseURL())
	fallback := fmt.Sprintf("provider: OpenAI, model: m, timeout: 30s, baseURL: '%s', fallbacks: [{model: m, baseURL: '%s'", down.BaseURL(), model.BaseURL())
	secret := fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: ca}\nstringData: {ca.crt: %q, other: %q}\n", authority, other)
	for _, tt := range []struct {
		name, llm string
		want      int
	}{
		{"named", llm + ", caSecretRef: {name: ca, key: ca.crt}", http.StatusOK},
		{"not named", llm, http.StatusServiceUnavailable},
		{"a fallback's own", fallback + ", caSecretRef: {name: ca, key: ca.crt}}], caSecretRef: {name: ca, key: other}", http.StatusOK},
		{"a fallback that has that of the first", fallback + "}], caSecretRef: {name: ca, key: ca.crt}", http.StatusOK},
		{"a fallback with another", fallback + ", caSecretRef: {name: ca, key: other}}], caSecretRef: {name: ca, key: ca.crt}", http.StatusServiceUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			r := startAlone(t, write(t, "ragservice.yaml", "apiVersion: ragservice.dev/v1alpha1\nkind: RAGService\nmetadata: {name: papers}\n"+
				"spec: {resilience: {retries: 0}, models: {llm: {"+tt.llm+"}}}\n---\n"+secret), dir)
			admin := generatedKey(t, dir, "admin")
			if status, _, body := r.post(t, "/api/v1/documents", admin, `{"id":"kites","text":"The red kite eats carrion."}`); status != http.StatusOK {
				t.Fatalf("%d %v", status, body)
			}
			if status, _, body := r.post(t, "/api/v1/ask", admin, `{"query":"what does the red kite eat"}`); status != tt.want {
				t.Errorf("%d %v, want %d", status, body, tt.want)
			}
			r.end(t)
		})
	}
}

// TestIssuerOfAPrivateAuthority has callers with tokens of an issuer whose certificate is of its own authority.
func TestIssuerOfAPrivateAuthority(t *testing.T) {
	key := newKey(t)
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "a", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	issuer := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(keys) }))
	defer issuer.Close()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "a"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": "https://login", "aud": "rag", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix(),
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		bundle string
		want   int
	}{"its own": {inPEM(issuer.Certificate().Raw), http.StatusOK}, "another": {otherAuthority(t), http.StatusServiceUnavailable}} {
		t.Run(name, func(t *testing.T) {
			r := startAlone(t, write(t, "ragservice.yaml", fmt.Sprintf("apiVersion: ragservice.dev/v1alpha1\nkind: RAGService\nmetadata: {name: papers}\n"+
				"spec: {models: {llm: {provider: Extractive}}, auth: {mode: JWT, jwt: {issuer: 'https://login', audiences: [rag], jwksURL: '%s', "+
				"caSecretRef: {name: ca, key: ca.crt}}}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: ca}\nstringData: {ca.crt: %q}\n",
				issuer.URL, test.bundle)), t.TempDir())
			if status, _, body := r.post(t, "/api/v1/search", token, `{"query":"what does the red kite eat"}`); status != test.want {
				t.Errorf("%d %v, want %d", status, body, test.want)
			}
			r.end(t)
		})
	}
}

// TestABadAuthorityLeavesNothingOpen starts on the same data once the bundle has been mended.
func TestABadAuthorityLeavesNothingOpen(t *testing.T) {
	dir := t.TempDir()
	const form = "apiVersion: ragservice.dev/v1alpha1\nkind: RAGService\nmetadata: {name: papers}\n" +
		"spec: {models: {llm: {provider: Extractive}}, auth: {mode: JWT, jwt: {issuer: 'https://login', audiences: [rag], jwksURL: 'https://login/keys', " +
		"caSecretRef: {name: ca, key: ca.crt}}}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: ca}\nstringData: {ca.crt: %q}\n"
	var stdout, stderr strings.Builder
	bad := write(t, "bad.yaml", fmt.Sprintf(form, "no certificate"))
	if code := run(t.Context(), []string{"--manifest", bad, "--data-dir", dir}, noEnvironment, &stdout, &stderr); code != 1 {
		t.Fatalf("exit code %d, want 1: %s", code, stderr.String())
	}
	if !strings.Contains(stderr.String()+stdout.String(), "spec.auth.jwt.caSecretRef") {
		t.Errorf("it does not say what is wrong: %s", stderr.String())
	}
	startAlone(t, write(t, "ragservice.yaml", fmt.Sprintf(form, otherAuthority(t))), dir).end(t)
}

func TestMountedCredentials(t *testing.T) {
	dir := t.TempDir()
	for path, value := range map[string]string{
		config.RedisSecretDir + "/" + config.RedisPasswordFile:              "of-redis\n",
		config.RedisStateSecretDir + "/" + config.RedisUsernameFile:         "rag",
		config.RedisStateSecretDir + "/" + config.RedisPasswordFile:         "of-the-state",
		config.RedisStateSecretDir + "/" + config.RedisSentinelUsernameFile: "watcher",
		config.RedisStateSecretDir + "/" + config.RedisSentinelPasswordFile: "of-sentinels",
		config.RedisStateCADir + "/" + config.AuthorityFile:                 "authority-of-redis",
		config.LLMSecretDir + "/" + config.LLMAPIKeyFile:                    "of-the-model",
		config.LLMFallbackSecretDir + "1/" + config.LLMAPIKeyFile:           "of-the-second",
		config.LLMCADir + "/" + config.AuthorityFile:                        "authority",
		config.LLMFallbackCADir + "0/" + config.AuthorityFile:               "authority-of-the-first",
		config.JWTCADir + "/" + config.AuthorityFile:                        "authority-of-tokens",
		config.OpenSearchSecretDir + "/" + config.OpenSearchUsernameFile:    "searcher",
		config.OpenSearchSecretDir + "/" + config.OpenSearchPasswordFile:    "of-opensearch",
		config.OpenSearchCADir + "/" + config.AuthorityFile:                 "authority-of-opensearch",
		config.HashKeysSecretDir + "/" + config.CallerHashKeyFile:           "of-hashes-16-bytes\n",
	} {
		file := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := mountedCredentials(dir, 2)
	if diff := cmp.Diff([]string{"", "of-the-second"}, got.LLMFallbackKeys); diff != "" {
		t.Errorf("keys of the fallbacks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"authority-of-the-first", ""}, got.LLMFallbackCAs); diff != "" || got.JWTCA != "authority-of-tokens" {
		t.Errorf("authority of tokens %q, of the fallbacks (-want +got):\n%s", got.JWTCA, diff)
	}
	want := config.RedisCredentials{
		Username: "rag", Password: "of-the-state", SentinelUsername: "watcher", SentinelPassword: "of-sentinels", CA: "authority-of-redis",
	}
	if want := (config.OpenSearchCredentials{Username: "searcher", Password: "of-opensearch", CA: "authority-of-opensearch"}); got.OpenSearch != want {
		t.Errorf("of OpenSearch: %+v", got.OpenSearch)
	}
	if err != nil || got.RedisCache != (config.RedisCredentials{Password: "of-redis"}) || got.RedisState != want || got.LLMAPIKey != "of-the-model" || got.LLMCA != "authority" ||
		got.CallerHashKey != "of-hashes-16-bytes" {
		t.Errorf("read %+v, %v", got, err)
	}
}
