package rag_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Who finds a document: the facets of the one and the terms of the other meet.
func TestWhoFindsADocument(t *testing.T) {
	t.Parallel()
	of := func(groups ...string) *rag.Access { return &rag.Access{Groups: groups} }
	client := func(groups ...string) rag.Identity { return rag.Identity{Role: rag.RoleClient, Groups: groups} }
	for name, tt := range map[string]struct {
		access *rag.Access
		who    rag.Identity
		want   bool
	}{
		"no groups, nobody in particular":    {nil, client(), true},
		"no groups named":                    {of(), client(), true},
		"no groups, a member of some":        {nil, client("board"), true},
		"a group, one without":               {of("board"), client(), false},
		"a group, a member":                  {of("board"), client("staff", "board"), true},
		"a group, a member of another":       {of("board"), client("staff"), false},
		"a group, a member of its namesake":  {of("board"), client("Board"), false},
		"groups, a member of one":            {of("board", "law"), client("law"), true},
		"a group, an administrator":          {of("board"), rag.Identity{Role: rag.RoleAdmin}, true},
		"no groups, an administrator":        {nil, rag.Identity{Role: rag.RoleAdmin}, true},
		"a group composed in another way":    {of("caf\u00e9"), client("cafe\u0301"), true},
		"a group named like another's field": {of("x"), client("access\x00x"), false},
	} {
		facets := rag.Document{Access: tt.access, Metadata: rag.Metadata{"access": "board", "": "board"}}.Facets()
		finds := true
		for _, anyOf := range rag.FilterTerms(nil, tt.who.Readers()) {
			finds = finds && slices.ContainsFunc(anyOf, func(term string) bool { return slices.Contains(facets, term) })
		}
		if finds != tt.want {
			t.Errorf("%s: %t, want %t", name, finds, tt.want)
		}
	}
}

func TestGroupsOfADocumentAreChecked(t *testing.T) {
	t.Parallel()
	for name, groups := range map[string][]string{
		"empty": {""}, "a control character": {"a\nb"}, "long": {strings.Repeat("x", 129)}, "broken": {"\xff"}, "many": make([]string, 257),
	} {
		err := rag.Document{ID: "a", Text: "b", Access: &rag.Access{Groups: groups}}.Validate()
		if rag.KindOf(err) != rag.ErrValidation || !strings.Contains(err.Error(), "access.groups") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Another word of who may find it makes it another document to write; the order of groups means nothing.
func TestAccessIsPartOfADocumentsHash(t *testing.T) {
	t.Parallel()
	hash := func(access *rag.Access) string {
		d, err := rag.ChunkAndHash(rag.Document{ID: "a", Text: "b", Access: access}, rag.RetrievalSettings{ChunkWords: 10})
		if err != nil {
			t.Fatal(err)
		}
		return d.Hash
	}
	got := []bool{
		hash(nil) == hash(&rag.Access{}), hash(nil) == hash(&rag.Access{Groups: []string{"x"}}),
		hash(&rag.Access{Groups: []string{"x", "y"}}) == hash(&rag.Access{Groups: []string{"y", "x"}}),
		hash(&rag.Access{Groups: []string{"x", "y"}}) == hash(&rag.Access{Groups: []string{"x"}}),
	}
	if diff := cmp.Diff([]bool{true, false, true, false}, got); diff != "" {
		t.Error(diff)
	}
}
