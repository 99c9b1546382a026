package localstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/custom"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/keyword"
	"github.com/blevesearch/bleve/v2/analysis/lang/en"
	"github.com/blevesearch/bleve/v2/analysis/token/lowercase"
	"github.com/blevesearch/bleve/v2/analysis/token/porter"
	"github.com/blevesearch/bleve/v2/analysis/token/stop"
	"github.com/blevesearch/bleve/v2/analysis/tokenizer/unicode"
	"github.com/blevesearch/bleve/v2/analysis/tokenmap"
	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/mapping"
	bolt "go.etcd.io/bbolt/errors"

	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// Fields of the indices.
const (
	fieldTenant = "tenant"
	fieldKind   = "kind"
	fieldFacets = "facets"
	fieldTitle  = "title"
	fieldText   = "text"
	// fieldDeletedAt is when a tombstone was set, in milliseconds since 1970.
	fieldDeletedAt = "deleted_at"
	// fieldSource holds the record or the chunk as JSON; it is kept and not searched.
	fieldSource = "source"
)

// openIndex opens or makes an index; in memory when dir is empty. It is scorch either way: bleve's default in memory
// ignores the scoring model. It waits a second for the lock of another process.
func openIndex(dir, name string, m mapping.IndexMapping) (bleve.Index, error) {
	if dir == "" {
		index, err := bleve.NewUsing("", m, scorch.Name, scorch.Name, nil)
		if err != nil {
			return nil, fmt.Errorf("make the index of %s in memory: %w", name, err)
		}
		return index, nil
	}
	path := filepath.Join(dir, name)
	wait := map[string]any{"bolt_timeout": "1s"}
	index, err := bleve.OpenUsing(path, wait)
	if errors.Is(err, bleve.ErrorIndexPathDoesNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the data folder: %w", err)
		}
		index, err = bleve.NewUsing(path, m, scorch.Name, scorch.Name, wait)
	}
	switch {
	case errors.Is(err, bolt.ErrTimeout):
		return nil, fmt.Errorf("another process uses the data folder %s: stop it, or name another folder", dir)
	case err != nil:
		return nil, fmt.Errorf("open the index of %s in %s: %w", name, dir, err)
	}
	return index, nil
}

func recordsMapping() mapping.IndexMapping {
	return newMapping(map[string]*mapping.FieldMapping{
		fieldTenant: keywordField(), fieldKind: keywordField(), fieldDeletedAt: numberField(), fieldSource: keptField(),
	})
}

func chunksMapping() mapping.IndexMapping {
	return newMapping(map[string]*mapping.FieldMapping{
		fieldTenant: keywordField(), fieldFacets: keywordField(), fieldTitle: wordsField(), fieldText: wordsField(), fieldSource: keptField(),
	})
}

// analyzerWords cuts text into words as the analyzer of the same name in OpenSearch does.
const analyzerWords = "words"

func newMapping(fields map[string]*mapping.FieldMapping) mapping.IndexMapping {
	m := bleve.NewIndexMapping()
	m.ScoringModel = "bm25"
	addWordsAnalyzer(m)
	document := bleve.NewDocumentStaticMapping()
	for name, field := range fields {
		document.AddFieldMappingsAt(name, field)
	}
	m.DefaultMapping = document
	return m
}

// addWordsAnalyzer cannot fail: what it names is registered by the imports above. The tests would see it.
func addWordsAnalyzer(m *mapping.IndexMappingImpl) {
	const stopMap, stopFilter = "stop_words", "stop"
	words := terms.StopWords()
	tokens := make([]any, len(words))
	for i, word := range words {
		tokens[i] = word
	}
	err := errors.Join(
		m.AddCustomTokenMap(stopMap, map[string]any{"type": tokenmap.Name, "tokens": tokens}),
		m.AddCustomTokenFilter(stopFilter, map[string]any{"type": stop.Name, "stop_token_map": stopMap}),
		m.AddCustomAnalyzer(analyzerWords, map[string]any{
			"type": custom.Name, "tokenizer": unicode.Name,
			"token_filters": []any{en.PossessiveName, lowercase.Name, stopFilter, porter.Name},
		}),
	)
	if err != nil {
		panic(err)
	}
}

func keywordField() *mapping.FieldMapping {
	field := bleve.NewKeywordFieldMapping()
	field.Analyzer = keyword.Name
	field.Store, field.IncludeInAll, field.IncludeTermVectors, field.DocValues = false, false, false, false
	return field
}

func wordsField() *mapping.FieldMapping {
	field := bleve.NewTextFieldMapping()
	field.Analyzer = analyzerWords
	field.Store, field.IncludeInAll, field.IncludeTermVectors, field.DocValues = false, false, false, false
	return field
}

func numberField() *mapping.FieldMapping {
	field := bleve.NewNumericFieldMapping()
	field.Store, field.IncludeInAll, field.DocValues = false, false, false
	return field
}

func keptField() *mapping.FieldMapping {
	field := bleve.NewTextFieldMapping()
	field.Index, field.Store, field.IncludeInAll, field.IncludeTermVectors, field.DocValues = false, true, false, false, false
	return field
}
