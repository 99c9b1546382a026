package localstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/custom"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/keyword"
	"github.com/blevesearch/bleve/v2/analysis/tokenizer/whitespace"
	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/mapping"
	zap "github.com/blevesearch/zapx/v17"
	bolt "go.etcd.io/bbolt/errors"
)

// Fields of the indices.
const (
	fieldTenant = "tenant"
	fieldKind   = "kind"
	fieldFacets = "facets"
	// fieldText, fieldTitle, fieldHeading and fieldStop hold the terms of rag.SearchFields.
	fieldText    = "text"
	fieldTitle   = "title"
	fieldHeading = "heading"
	fieldStop    = "stop"
	// fieldDeletedAt is when a tombstone was set, in milliseconds since 1970.
	fieldDeletedAt = "deleted_at"
	// fieldMarkedAt is when a write or deletion began that has not ended, in milliseconds since 1970.
	fieldMarkedAt = "marked_at"
	// fieldAt is when feedback came, in milliseconds since 1970.
	fieldAt = "at"
	// fieldSource holds the record, the chunk or the feedback as JSON; it is kept and not searched.
	fieldSource = "source"
)

// mergeOptions say which segments of an index are merged. By default all that have fewer than 2,000 entries together
// become one, so that each batch of a long document is merged with everything before it: that takes the time of the
// square of its length, and the memory of an index of all its terms.
var mergeOptions = map[string]any{
	// FloorSegmentSize is the number of entries up to which segments count as equally small.
	"FloorSegmentSize": 64,
	// FloorSegmentFileSize is the same in bytes, by which it is told how many segments there may be: ten of up to ten times
	// this size, ten of up to a hundred times, and so on.
	"FloorSegmentFileSize": 1 << 20,
	// MaxSegmentSize and SegmentsPerMergeTask bound what a merge makes, in entries, and how many segments it reads at once: it
	// holds them, and all terms of the new one, in memory.
	"MaxSegmentSize": 8 << 10, "SegmentsPerMergeTask": 4,
}

// withoutEstimate is done before the first index is opened. By default the buffer of a new segment has room for a hundred
// entries more than it gets, each as large as those of the last segment of any index: after the record of the longest
// document that is 800 MiB. Without the estimate it grows as it fills.
var withoutEstimate = sync.OnceFunc(func() { zap.NewSegmentBufferAvgBytesPerDocFactor = 0 })

// openIndex opens or makes an index; in memory when dir is empty. It is scorch either way: bleve's default in memory
// ignores the scoring model. It waits a second for the lock of another process.
func openIndex(dir, name string, m mapping.IndexMapping, d *disk) (_ bleve.Index, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = openError(dir, name, fmt.Errorf("the index panicked: %v", reason))
		}
	}()
	withoutEstimate()
	if dir == "" {
		index, err := bleve.NewUsing("", m, scorch.Name, scorch.Name, nil)
		if err != nil {
			return nil, fmt.Errorf("make the index of %s in memory: %w", name, err)
		}
		return guard(index, name, d), nil
	}
	registry.Lock()
	defer registry.Unlock()
	path := filepath.Join(dir, name)
	options := d.register(name)
	options["scorchMergePlanOptions"] = mergeOptions
	index, err := bleve.OpenUsing(path, options)
	if errors.Is(err, bleve.ErrorIndexPathDoesNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the data folder: %w", err)
		}
		index, err = bleve.NewUsing(path, m, scorch.Name, scorch.Name, options)
	}
	switch {
	case errors.Is(err, bolt.ErrTimeout):
		return nil, fmt.Errorf("another process uses the data folder %s: stop it, or name another folder", dir)
	case err != nil:
		return nil, openError(dir, name, err)
	}
	return guard(index, name, d), nil
}

func openError(dir, name string, cause error) error {
	if strings.HasPrefix(name, feedbackName) {
		return fmt.Errorf("open the index of %s in %s: %w; if it is damaged, move %s away: no document is in it", name, dir, cause, filepath.Join(dir, name))
	}
	return fmt.Errorf("open the index of %s in %s: %w; if it is damaged, remove the folder and load the documents again", name, dir, cause)
}

func recordsMapping() mapping.IndexMapping {
	return newMapping(map[string]*mapping.FieldMapping{
		fieldTenant: keywordField(), fieldKind: keywordField(), fieldDeletedAt: numberField(), fieldMarkedAt: numberField(), fieldSource: keptField(),
	})
}

func chunksMapping() mapping.IndexMapping {
	return newMapping(map[string]*mapping.FieldMapping{
		fieldTenant: keywordField(), fieldFacets: keywordField(), fieldSource: keptField(),
		fieldText: termsField(), fieldTitle: termsField(), fieldHeading: termsField(), fieldStop: termsField(),
	})
}

// analyzerTerms takes terms apart at the spaces between them.
const analyzerTerms = "terms"

func newMapping(fields map[string]*mapping.FieldMapping) mapping.IndexMapping {
	m := bleve.NewIndexMapping()
	m.ScoringModel = "bm25"
	if err := m.AddCustomAnalyzer(analyzerTerms, map[string]any{"type": custom.Name, "tokenizer": whitespace.Name}); err != nil {
		panic(err) // it names what the imports register
	}
	document := bleve.NewDocumentStaticMapping()
	for name, field := range fields {
		document.AddFieldMappingsAt(name, field)
	}
	m.DefaultMapping = document
	return m
}

func keywordField() *mapping.FieldMapping {
	field := bleve.NewKeywordFieldMapping()
	field.Analyzer = keyword.Name
	field.Store, field.IncludeInAll, field.IncludeTermVectors, field.DocValues = false, false, false, false
	return field
}

// sortedField is a keyword that entries are sorted by and counted by.
func sortedField() *mapping.FieldMapping {
	field := keywordField()
	field.DocValues = true
	return field
}

func termsField() *mapping.FieldMapping {
	field := bleve.NewTextFieldMapping()
	field.Analyzer = analyzerTerms
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
