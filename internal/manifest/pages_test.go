package manifest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/internal/manifest"
)

var block = regexp.MustCompile("(?s)\n```yaml\n((?:apiVersion: ragservice.dev/|spec:\n).*?\n)```\n")

// TestManifestsOfPages loads each manifest that a page shows, whole or only a part of the spec.
func TestManifestsOfPages(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range block.FindAllStringSubmatch(string(text), -1) {
			found++
			if _, err := manifest.Load([]byte(whole(match[1]))); err != nil {
				t.Errorf("%s: %v\n%s", filepath.Base(page), err, match[1])
			}
		}
	}
	if found < 12 {
		t.Errorf("found only %d manifests", found)
	}
}

// whole is a manifest of what a page shows. A part of a spec that names no model gets one with a price.
func whole(shown string) string {
	spec, part := strings.CutPrefix(shown, "spec:\n")
	switch {
	case !part:
		return shown
	case strings.Contains("\n"+spec, "\n  models:"):
		return withSpec("papers", spec)
	default:
		return withSpec("papers", withLLM("pricing: {promptUSDPerMillion: '1', completionUSDPerMillion: '2'}")+spec)
	}
}
