package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/manifest"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// mountedCredentials reads the Secrets of a pod but the API keys, which are watched. There may be a key for each fallback. A
// folder that is not mounted is a Secret that is not used.
func mountedCredentials(dir string, fallbacks int) (config.Credentials, error) {
	var c config.Credentials
	var err error
	if c.RedisCache, err = mountedRedis(dir, config.RedisSecretDir, config.RedisCADir); err != nil {
		return c, err
	}
	if c.RedisState, err = mountedRedis(dir, config.RedisStateSecretDir, config.RedisStateCADir); err != nil {
		return c, err
	}
	if c.OpenSearch, err = mountedOpenSearch(dir); err != nil {
		return c, err
	}
	if c.LLMAPIKey, err = mounted(dir, config.LLMSecretDir, config.LLMAPIKeyFile); err != nil {
		return c, err
	}
	for i := range fallbacks {
		key, keyErr := mounted(dir, config.LLMFallbackSecretDir+strconv.Itoa(i), config.LLMAPIKeyFile)
		authority, authorityErr := mounted(dir, config.LLMFallbackCADir+strconv.Itoa(i), config.AuthorityFile)
		if err := errors.Join(keyErr, authorityErr); err != nil {
			return c, err
		}
		c.LLMFallbackKeys, c.LLMFallbackCAs = append(c.LLMFallbackKeys, key), append(c.LLMFallbackCAs, authority)
	}
	if c.LLMCA, err = mounted(dir, config.LLMCADir, config.AuthorityFile); err != nil {
		return c, err
	}
	if c.JWTCA, err = mounted(dir, config.JWTCADir, config.AuthorityFile); err != nil {
		return c, err
	}
	if c.TracingHeaders, err = mounted(dir, config.TracingSecretDir, config.TracingHeadersFile); err != nil {
		return c, err
	}
	if c.TracingCA, err = mounted(dir, config.TracingCADir, config.AuthorityFile); err != nil {
		return c, err
	}
	c.CallerHashKey, err = mountedHashKey(dir)
	return c, err
}

// mountedHashKey is the key of the hashes that stand for callers; empty where no Secret with one is mounted. Without the key of a mounted
// Secret, or with one that can be guessed, a server does not start: others would name the same callers otherwise.
func mountedHashKey(dir string) (string, error) {
	folder := filepath.Join(dir, config.HashKeysSecretDir)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	key, err := mounted(folder, config.CallerHashKeyFile)
	if err == nil && len(key) < config.MinHashKey {
		err = fmt.Errorf("%s holds %d bytes, of at least %d: delete the Secret, and the operator generates another",
			filepath.Join(folder, config.CallerHashKeyFile), len(key), config.MinHashKey)
	}
	return key, err
}

func mountedRedis(dir, secret, authority string) (c config.RedisCredentials, err error) {
	for _, entry := range []struct {
		value        *string
		folder, file string
	}{
		{&c.Username, secret, config.RedisUsernameFile},
		{&c.Password, secret, config.RedisPasswordFile},
		{&c.SentinelUsername, secret, config.RedisSentinelUsernameFile},
		{&c.SentinelPassword, secret, config.RedisSentinelPasswordFile},
		{&c.CA, authority, config.AuthorityFile},
	} {
		if *entry.value, err = mounted(dir, entry.folder, entry.file); err != nil {
			return c, err
		}
	}
	return c, nil
}

func mountedOpenSearch(dir string) (c config.OpenSearchCredentials, err error) {
	for file, value := range map[string]*string{config.OpenSearchUsernameFile: &c.Username, config.OpenSearchPasswordFile: &c.Password} {
		if *value, err = mounted(dir, config.OpenSearchSecretDir, file); err != nil {
			return c, err
		}
	}
	c.CA, err = mounted(dir, config.OpenSearchCADir, config.AuthorityFile)
	return c, err
}

func mounted(path ...string) (string, error) {
	value, err := os.ReadFile(filepath.Join(path...))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read a mounted Secret: %w", err)
	}
	return strings.TrimSpace(string(value)), nil
}

// manifestCredentials are the entries of Secrets that a manifest names, but the API keys.
func manifestCredentials(m manifest.Manifest, getenv func(string) string) (c config.Credentials, err error) {
	llm := m.Service.Spec.Models.LLM
	c.LLMFallbackKeys, c.LLMFallbackCAs = make([]string, len(llm.Fallbacks)), make([]string, len(llm.Fallbacks))
	type entry struct {
		value *string
		field string
		ref   *v1alpha1.SecretKeyReference
	}
	entries := []entry{
		{&c.LLMAPIKey, "spec.models.llm.apiKeySecretRef", llm.APIKeySecretRef},
		{&c.LLMCA, "spec.models.llm.caSecretRef", llm.CASecretRef},
	}
	for i, fallback := range llm.Fallbacks {
		field := fmt.Sprintf("spec.models.llm.fallbacks[%d].", i)
		entries = append(entries,
			entry{&c.LLMFallbackKeys[i], field + "apiKeySecretRef", fallback.APIKeySecretRef},
			entry{&c.LLMFallbackCAs[i], field + "caSecretRef", fallback.CASecretRef})
	}
	if jwt := m.Service.Spec.Auth.JWT; jwt != nil {
		entries = append(entries, entry{&c.JWTCA, "spec.auth.jwt.caSecretRef", jwt.CASecretRef})
	}
	if tracing := m.Service.Spec.Monitoring.Tracing; tracing != nil {
		const field = "spec.monitoring.tracing."
		entries = append(entries,
			entry{&c.TracingHeaders, field + "headersSecretRef", tracing.HeadersSecretRef},
			entry{&c.TracingCA, field + "caSecretRef", tracing.CASecretRef})
	}
	for _, e := range entries {
		if *e.value, err = referencedEntry(m, e.field, e.ref, getenv); err != nil {
			return c, err
		}
	}
	return c, nil
}

// referencedEntry is what a field references, from a Secret of the same file or the environment; empty without a reference.
func referencedEntry(m manifest.Manifest, field string, ref *v1alpha1.SecretKeyReference, getenv func(string) string) (string, error) {
	if ref == nil {
		return "", nil
	}
	if value := secretValue(m, ref.Name, ref.Key, getenv); value != "" {
		return value, nil
	}
	return "", fmt.Errorf("%s names entry %q of Secret %q, which is not there: add the Secret to the manifest, "+
		"or set %s", field, ref.Key, ref.Name, environmentName(ref.Name, ref.Key))
}

// secretValue is an entry of a Secret of the manifest or the environment; empty when there is none.
func secretValue(m manifest.Manifest, name, key string, getenv func(string) string) string {
	if value, ok := m.Secrets[name][key]; ok {
		return strings.TrimSpace(string(value))
	}
	return getenv(environmentName(name, key))
}

// withRedis adds what a Redis that the manifest names is asked with.
func (s *setup) withRedis(m manifest.Manifest, getenv func(string) string) error {
	cache, cacheField := serverconfig.RedisCacheConnection(m.Service)
	state, stateField := serverconfig.RedisStateConnection(m.Service)
	if cache == nil {
		return nil
	}
	var err error
	if s.credentials.RedisCache, err = redisSecrets(m, cacheField, cache, getenv); err != nil {
		return err
	}
	s.credentials.RedisState, err = redisSecrets(m, stateField, state, getenv)
	return err
}

func redisSecrets(
	m manifest.Manifest, field string, connection *v1alpha1.RedisConnection, getenv func(string) string,
) (c config.RedisCredentials, err error) {
	if ref := connection.AuthSecretRef; ref != nil {
		password := &v1alpha1.SecretKeyReference{Name: ref.Name, Key: config.RedisPasswordFile}
		if c.Password, err = referencedEntry(m, field+".authSecretRef", password, getenv); err != nil {
			return c, err
		}
		c.Username = secretValue(m, ref.Name, config.RedisUsernameFile, getenv)
		c.SentinelPassword = secretValue(m, ref.Name, config.RedisSentinelPasswordFile, getenv)
		c.SentinelUsername = secretValue(m, ref.Name, config.RedisSentinelUsernameFile, getenv)
	}
	if connection.TLS != nil {
		c.CA, err = referencedEntry(m, field+".tls.caSecretRef", connection.TLS.CASecretRef, getenv)
	}
	return c, err
}

// environmentName is RAG_SECRET_<NAME>_<KEY> in upper case, with '_' for everything that a name cannot hold.
func environmentName(name, key string) string {
	return "RAG_SECRET_" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		default:
			return '_'
		}
	}, name+"_"+key)
}

// referencedKeys are the API keys of a Secret of the manifest.
func referencedKeys(m manifest.Manifest, secret string) (config.KeySet, error) {
	values, ok := m.Secrets[secret]
	if !ok {
		return config.KeySet{}, fmt.Errorf("spec.auth.apiKeysSecretRef names Secret %q, which is not in the manifest: add it", secret)
	}
	return config.ParseAPIKeys(values), nil
}
