package config_test

import (
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

func TestRootsOfABundle(t *testing.T) {
	t.Parallel()
	if roots, err := config.Roots(""); roots != nil || err != nil {
		t.Errorf("of none: %v, %v, want those of the system", roots, err)
	}
	if _, err := config.Roots("no certificate"); err == nil {
		t.Error("a bundle of nothing is one")
	}
}
