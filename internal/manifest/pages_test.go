package manifest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/ragservice/ragservice-operator/internal/manifest"
)

var block = regexp.MustCompile("(?s)\n```yaml\n(apiVersion: ragservice.dev/.*?\n)```\n")

// TestManifestsOfPages loads each manifest that a page shows whole.
func TestManifestsOfPages(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range block.FindAllSubmatch(text, -1) {
			found++
			if _, err := manifest.Load(match[1]); err != nil {
				t.Errorf("%s: %v\n%s", filepath.Base(page), err, match[1])
			}
		}
	}
	if found < 3 {
		t.Errorf("found only %d manifests", found)
	}
}
