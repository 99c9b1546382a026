package main

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// TestModelOfAPrivateAuthority asks a model whose certificate is of its own authority, which the manifest names.
func TestModelOfAPrivateAuthority(t *testing.T) {
	model := openaitest.New(t)
	to, err := url.Parse(strings.TrimSuffix(model.BaseURL(), "/v1"))
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(to))
	defer front.Close()
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw}))
	llm := fmt.Sprintf("provider: OpenAI, model: m, baseURL: '%s/v1', timeout: 30s", front.URL)
	secret := fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: ca}\nstringData: {ca.crt: %q}\n", authority)
	for _, tt := range []struct {
		name, ref string
		want      int
	}{
		{"named", ", caSecretRef: {name: ca, key: ca.crt}", http.StatusOK},
		{"not named", "", http.StatusServiceUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			r := startAlone(t, write(t, "ragservice.yaml", "apiVersion: ragservice.dev/v1alpha1\nkind: RAGService\nmetadata: {name: papers}\n"+
				"spec: {models: {llm: {"+llm+tt.ref+"}}}\n---\n"+secret), dir)
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

func TestMountedCredentials(t *testing.T) {
	dir := t.TempDir()
	for path, value := range map[string]string{
		config.RedisSecretDir + "/" + config.RedisPasswordFile:              "of-redis\n",
		config.RedisStateSecretDir + "/" + config.RedisUsernameFile:         "rag",
		config.RedisStateSecretDir + "/" + config.RedisPasswordFile:         "of-the-state",
		config.RedisStateSecretDir + "/" + config.RedisSentinelUsernameFile: "watcher",
		config.RedisStateSecretDir + "/" + config.RedisSentinelPasswordFile: "of-sentinels",
		config.RedisStateCADir + "/" + config.RedisCAFile:                   "authority-of-redis",
		config.LLMSecretDir + "/" + config.LLMAPIKeyFile:                    "of-the-model",
		config.LLMFallbackSecretDir + "1/" + config.LLMAPIKeyFile:           "of-the-second",
		config.LLMCADir + "/" + config.LLMCAFile:                            "authority",
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
	want := config.RedisCredentials{
		Username: "rag", Password: "of-the-state", SentinelUsername: "watcher", SentinelPassword: "of-sentinels", CA: "authority-of-redis",
	}
	if err != nil || got.RedisCache != (config.RedisCredentials{Password: "of-redis"}) || got.RedisState != want || got.LLMAPIKey != "of-the-model" || got.LLMCA != "authority" {
		t.Errorf("read %+v, %v", got, err)
	}
}
