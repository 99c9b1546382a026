package opensearch_test

import (
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/opensearch"
)

func TestDiskUsed(t *testing.T) {
	percent, err := open(t, newIndex(), opensearch.Options{}).DiskUsed(t.Context())
	if err != nil || percent < 1 || percent > 100 {
		t.Errorf("%d %%, %v", percent, err)
	}
}
