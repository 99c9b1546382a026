package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ragservice/ragservice-operator/internal/manifest"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
)

// setup is what the server runs with.
type setup struct {
	source      *config.Source
	credentials config.Credentials
	// keys is where newer API keys come from; nil when they stay as they are.
	keys *config.KeySource
	// refusedKeys are entries of the API keys that are none.
	refusedKeys []config.RefusedKey
	// unknown are fields of the configuration that this server ignores.
	unknown []string
	// dataDir is where documents and generated keys are; empty unless the server runs alone.
	dataDir string
	// keysFile is where generated keys were written; empty when none were.
	keysFile string
	// logFile is a copy of the log; nil without one.
	logFile *logging.File
	// loopbackAdmin makes callers of this machine administrators.
	loopbackAdmin bool
}

// alone says that the server runs a manifest, with everything that it needs inside.
func (s *setup) alone() bool { return s.dataDir != "" }

// load reads the manifest or the configuration. Its errors name the field and the fix.
func (o options) load(getenv func(string) string) (setup, error) {
	if o.config != "" {
		return o.loadConfig()
	}
	return o.loadManifest(getenv)
}

func (o options) loadConfig() (setup, error) {
	source, unknown, err := config.Open(o.config)
	if err != nil {
		return setup{}, err
	}
	if source.Config().Stores.OpenSearch == nil {
		return setup{}, fmt.Errorf("%s: stores.openSearch is required with --config; --manifest runs without", o.config)
	}
	credentials, err := mountedCredentials(o.secretsDir, len(source.Config().LLM.Fallbacks))
	if err != nil {
		return setup{}, err
	}
	dir := filepath.Join(o.secretsDir, config.APIKeysSecretDir)
	keys, set, err := config.OpenKeys(dir)
	if err != nil {
		return setup{}, err
	}
	return (&setup{source: source, credentials: credentials, keys: keys, unknown: unknown}).withKeys(set, dir)
}

// withKeys is s with the API keys of a place. Without a usable one a server that asks its callers for keys does not start.
func (s *setup) withKeys(set config.KeySet, place string) (setup, error) {
	if err := missingKeys(s.source, set); err != nil {
		return setup{}, fmt.Errorf("%s: %w", place, err)
	}
	s.credentials.APIKeys, s.refusedKeys = set.Keys, set.Refused
	return *s, nil
}

// missingKeys is an error when callers need keys and set has none for them.
func missingKeys(source *config.Source, set config.KeySet) error {
	if source.Config().Auth.Mode == config.AuthAnonymous {
		return nil // administrators have none then, which is what the Secret says
	}
	return set.Empty()
}

func (o options) loadManifest(getenv func(string) string) (setup, error) {
	raw, err := os.ReadFile(o.manifest)
	if err != nil {
		return setup{}, fmt.Errorf("read the manifest: %w", err)
	}
	manifest, err := manifest.Load(raw)
	if err != nil {
		return setup{}, fmt.Errorf("%s:\n%w", o.manifest, err)
	}
	forgetManifests()
	c, err := serverconfig.Build(manifest.Service, config.Stores{Redis: serverconfig.ExternalRedis(manifest.Service)})
	if err != nil {
		return setup{}, fmt.Errorf("%s: %w", o.manifest, err)
	}
	dir, err := openDataDir(o.dataDir, c.Service, getenv)
	if err != nil {
		return setup{}, err
	}
	s := setup{source: config.Fixed(c), dataDir: dir, loopbackAdmin: o.loopbackAdmin}
	if s.credentials, err = manifestCredentials(manifest, getenv); err != nil {
		return setup{}, err
	}
	if err := s.withRedis(manifest, getenv); err != nil {
		return setup{}, err
	}
	var keys config.KeySet
	place := filepath.Join(dir, keysFileName)
	if ref := manifest.Service.Spec.Auth.APIKeysSecretRef; ref != nil {
		place = fmt.Sprintf("spec.auth.apiKeysSecretRef: Secret %q", ref.Name)
		keys, err = referencedKeys(manifest, ref.Name)
	} else {
		s.keysFile = place
		keys, err = ownKeys(place)
	}
	if err != nil {
		return setup{}, err
	}
	return s.withKeys(keys, place)
}

// openLogFile is the copy of the log that the configuration wants; nil for none.
func (o options) openLogFile(s setup) (*logging.File, error) {
	wanted := s.source.Config().Logging.File
	switch {
	case !wanted.Enabled && o.logDir != "":
		return nil, errors.New("--log-dir has no effect without spec.logging.file.enabled: set that to true, or leave the flag out")
	case !wanted.Enabled:
		return nil, nil //nolint:nilnil // none is wanted
	}
	dir := config.DefaultLogDir
	if s.alone() {
		dir = filepath.Join(s.dataDir, "logs")
	}
	return logging.NewFile(cmp.Or(o.logDir, dir), wanted.MaxBytes), nil
}
