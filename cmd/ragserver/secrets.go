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
	if c.LLMAPIKey, err = mounted(dir, config.LLMSecretDir, config.LLMAPIKeyFile); err != nil {
		return c, err
	}
	for i := range fallbacks {
		key, err := mounted(dir, config.LLMFallbackSecretDir+strconv.Itoa(i), config.LLMAPIKeyFile)
		if err != nil {
			return c, err
		}
		c.LLMFallbackKeys = append(c.LLMFallbackKeys, key)
	}
	if c.LLMCA, err = mounted(dir, config.LLMCADir, config.LLMCAFile); err != nil {
		return c, err
	}
	return c, nil
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
		{&c.CA, authority, config.RedisCAFile},
	} {
		if *entry.value, err = mounted(dir, entry.folder, entry.file); err != nil {
			return c, err
		}
	}
	return c, nil
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

// modelSecret is what a field of spec.models.llm references, from a Secret of the same file or the environment.
func modelSecret(m manifest.Manifest, field string, ref *v1alpha1.SecretKeyReference, getenv func(string) string) (string, error) {
	if ref == nil {
		return "", nil
	}
	if value, ok := m.Secrets[ref.Name][ref.Key]; ok {
		return strings.TrimSpace(string(value)), nil
	}
	variable := environmentName(ref.Name, ref.Key)
	if value := getenv(variable); value != "" {
		return value, nil
	}
	return "", fmt.Errorf("spec.models.llm.%s names entry %q of Secret %q, which is not there: add the Secret to the manifest, "+
		"or set %s", field, ref.Key, ref.Name, variable)
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
