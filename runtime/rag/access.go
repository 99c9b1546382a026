package rag

import (
	"fmt"
	"slices"
)

// Bounds of groups: how many a document or a caller has, and the bytes of a name.
const (
	MaxGroups    = 256
	MaxGroupName = 128
)

// Access says who of a tenant may find a document.
type Access struct {
	// Groups are those one of which a caller must have; none means everybody.
	Groups []string `json:"groups"`
}

// groups are those of a document; nil for one that everybody may find.
func (a *Access) groups() []string {
	if a == nil {
		return nil
	}
	return a.Groups
}

// ValidateGroups says what is wrong with the groups of a document or a caller; empty when nothing is.
func ValidateGroups(groups []string) string {
	if len(groups) > MaxGroups {
		return fmt.Sprintf("must be at most %d", MaxGroups)
	}
	for _, group := range groups {
		if !isName(group, MaxGroupName) {
			return fmt.Sprintf("must each have 1 to %d bytes of text without control characters", MaxGroupName)
		}
	}
	return ""
}

const (
	// accessField is the facet of who may find a passage. Names of metadata fields hold no NUL, so it is none of those.
	accessField = "\x00access"
	// everybody is the group of documents that name none, which each caller has.
	everybody = ""
)

// Facets are the terms of a document that filters ask for, sorted: those of its metadata, and of who may find it.
func (d Document) Facets() []string {
	facets := metadataFacets(d.Metadata)
	groups := d.Access.groups()
	if len(groups) == 0 {
		groups = []string{everybody}
	}
	for _, group := range groups {
		facets = append(facets, Facet(accessField, group))
	}
	slices.Sort(facets)
	return slices.Compact(facets)
}

// Readers are the groups in whose name somebody searches; nil for all documents of the tenant, as administrators see them.
func (id Identity) Readers() []string {
	if id.Role == RoleAdmin {
		return nil
	}
	readers := append([]string{everybody}, id.Groups...)
	slices.Sort(readers)
	return slices.Compact(readers)
}
