package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestABadConfigurationIsToldAndTheOneBeforeStays: in the log, in a metric and to the operator.
func TestABadConfigurationIsToldAndTheOneBeforeStays(t *testing.T) {
	t.Parallel()
	folder := newKeysFolder(t)
	folder.setKey("alice", firstKey)
	file := filepath.Join(t.TempDir(), "config.yaml")
	set := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set(elsewhere)
	r := keyed{startWith(t, noEnvironment, "--config", file, "--secrets-dir", folder.secrets), t}
	runs := r.configHash()
	set(strings.Replace(elsewhere, "topK: 5", "topK: 0", 1))
	r.eventually("it is not told", func() bool { return len(r.events("config_rejected")) == 1 })
	if refused := r.events("config_rejected")[0]; refused["level"] != "ERROR" && refused["level"] != "WARNING" || !strings.Contains(refused["error"].(string), "retrieval.topK") {
		t.Errorf("the log says %v", refused)
	}
	if body := r.admin("/metrics"); !strings.Contains(body, "ragservice_config_reloads_total{outcome=\"rejected\"} 1\n") {
		t.Error("no metric counts it")
	}
	if body := r.admin("/statusz"); !strings.Contains(body, `"rejectedConfigHash":"`) || r.configHash() != runs {
		t.Errorf("/statusz says %s", body)
	}

	set(strings.Replace(elsewhere, "topK: 5", "topK: 7", 1))
	r.eventually("a good one is not taken up", func() bool { return len(r.events("config_reloaded")) == 1 })
	if body := r.admin("/statusz"); strings.Contains(body, `"rejectedConfigHash":"`) || r.configHash() == runs {
		t.Errorf("after a good one /statusz says %s", body)
	}
}

// configHash is that of the configuration that the server says it runs.
func (k keyed) configHash() string {
	k.t.Helper()
	_, rest, _ := strings.Cut(k.admin("/statusz"), `"configHash":"`)
	hash, _, _ := strings.Cut(rest, `"`)
	return hash
}
