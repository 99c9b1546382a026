package opensearch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"
)

// mappingVersion begins the version of an index. It rises with a change of the mapping that an index cannot take up.
const mappingVersion = 4

// Ensure makes the documents' index with its alias, the control index and the control document, each unless it is
// there. Any number of replicas may do so at once: creating is atomic, and who comes second finds it made. Where all are there it
// writes nothing: OpenSearch on a full disk refuses even to make what exists, and can be searched.
func (s *Store) Ensure(ctx context.Context) error {
	index, err := s.aliasedIndex(ctx)
	if err != nil {
		return fmt.Errorf("look for the alias %s: %w", s.index, err)
	}
	if index != "" {
		if _, err := s.readControl(ctx, confirmedFor); err == nil {
			return nil
		}
	} else {
		index = s.indexName(s.indexVersion())
		if err := s.createIndex(ctx, index, s.documentsIndex(index, s.index)); err != nil {
			return fmt.Errorf("create the documents' index: %w", err)
		}
	}
	if err := s.createIndex(ctx, s.controlIndex(), controlIndexBody(s.replicas())); err != nil {
		return fmt.Errorf("create the control index: %w", err)
	}
	if err := s.firstControl(ctx, index); err != nil {
		return fmt.Errorf("write the control document: %w", err)
	}
	return nil
}

// aliasedIndex is the index behind the alias; empty when there is none.
func (s *Store) aliasedIndex(ctx context.Context) (string, error) {
	var answer map[string]struct{}
	err := s.do(ctx, call{
		operation: "ensure", method: http.MethodGet, repeatable: true,
		request: func() opensearch.Request { return opensearchapi.AliasGetReq{Alias: []string{s.index}} },
	}, &answer)
	switch names := slices.Sorted(maps.Keys(answer)); {
	case answered(err, http.StatusNotFound):
		return "", nil
	case err != nil:
		return "", err
	case len(names) != 1:
		return "", unavailable(fmt.Errorf("the alias %s names %d indices", s.index, len(names)))
	default:
		return names[0], nil
	}
}

func (s *Store) createIndex(ctx context.Context, name string, body map[string]any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	err = s.do(ctx, call{
		operation: "ensure", method: http.MethodPut,
		request: func() opensearch.Request {
			return opensearchapi.IndicesCreateReq{Index: name, Body: bytes.NewReader(encoded)}
		},
	}, nil)
	if answeredKind(err, "resource_already_exists_exception") {
		return nil
	}
	return err
}

// indexName is the name of the documents' index of a version.
func (s *Store) indexName(version string) string { return s.index + "-v" + version }

// controlIndex holds what replicas agree on.
func (s *Store) controlIndex() string { return s.index + "-control" }

func controlIndexBody(replicas int) map[string]any {
	return map[string]any{
		"settings": map[string]any{"number_of_shards": 1, "number_of_replicas": replicas},
		"mappings": map[string]any{"dynamic": false},
	}
}

// documentsIndex lists the fields that are searched; the others are only kept (dynamic: false). A record has its text in
// a field of another name than a chunk's, so that it adds nothing to the statistics that chunks are ranked by.
func (s *Store) documentsIndex(name string, aliases ...string) map[string]any {
	named := map[string]any{ownAlias(name): map[string]any{}}
	for _, alias := range aliases {
		named[alias] = map[string]any{}
	}
	keyword := map[string]any{"type": "keyword"}
	words := map[string]any{"type": "text", "analyzer": "whitespace", "index_options": "freqs"}
	return map[string]any{
		"settings": map[string]any{
			"number_of_shards":   s.shards,
			"number_of_replicas": s.replicas(),
			"similarity":         map[string]any{"default": map[string]any{"type": "BM25", "k1": 1.2, "b": 0.75}},
		},
		"mappings": map[string]any{
			"dynamic": false,
			"_source": map[string]any{"excludes": []string{"search"}},
			"properties": map[string]any{
				"kind": keyword, "tenant": keyword, "chunk_id": keyword, "facets": keyword, "terms": keyword,
				"chunks": map[string]any{"type": "integer"}, "deleted_at": map[string]any{"type": "long"}, "marked_at": map[string]any{"type": "long"},
				"search": map[string]any{"properties": map[string]any{"text": words, "title": words, "heading": words, "stop": words}},
			},
		},
		"aliases": named,
	}
}
