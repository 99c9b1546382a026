package rag_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

func TestFacets(t *testing.T) {
	t.Parallel()
	got := rag.Document{Metadata: rag.Metadata{
		"source": "nasa", "year": 1958.0, "ratio": 0.5, "large": 1e21, "public": true, "tags": []any{"wing", "drag", "wing"}, "none": []any{},
	}}.Facets()
	want := []string{
		"\x00access\x00",
		"large\x001000000000000000000000", "public\x00true", "ratio\x000.5", "source\x00nasa", "tags\x00drag", "tags\x00wing", "year\x001958",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Facets (-want +got):\n%s", diff)
	}
}

func TestFilterTerms(t *testing.T) {
	t.Parallel()
	got := rag.FilterTerms(rag.Filter{"year": {"1958", "1959"}, "source": {"nasa"}}, nil)
	want := [][]string{{"source\x00nasa"}, {"year\x001958", "year\x001959"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("FilterTerms (-want +got):\n%s", diff)
	}
}
