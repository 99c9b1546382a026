// Package storetest is what every store of documents must do, as tests. Each adapter runs them against the real engine:
//
//	storetest.Run(t, func(t *testing.T, now func() time.Time) storetest.Store { ... })
package storetest

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Store is what an adapter implements.
type Store interface {
	rag.Index
	rag.DocumentStore
	rag.Control
	rag.FeedbackStore
}

// Run runs the contract. open makes an empty store with the clock now, and closes it with the test.
func Run(t *testing.T, open func(t *testing.T, now func() time.Time) Store) {
	store := open(t, time.Now)
	for name, test := range map[string]func(*testing.T, tenant){
		"empty": testEmpty, "life of a document": testLife, "exact copy": testExactCopy, "shrinking": testShrinking,
		"batches": testBatches, "ids": testIDs, "tenants": testTenants,
		"words": testWords, "spellings": testSpellings, "stop words": testStopWords, "headings": testHeadings, "languages": testLanguages,
		"statistics": testStatistics, "plain text": testPlainText, "nothing to look for": testNothingToLookFor, "long queries": testLongQueries,
		"filters": testFilters, "access": testAccess, "pages": testPages, "candidates": testCandidates, "least score": testLeastScore, "title": testTitle,
		"concurrent writers": testConcurrentWriters, "changes": testChanges, "invalidation": testInvalidation, "one version": testOneVersion, "caller who left": testCallerWhoLeft,
		"feedback": testFeedback, "feedback of tenants": testFeedbackOfTenants, "pages of feedback": testFeedbackPages,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, tenant{store, strings.ReplaceAll(name, " ", "-")})
		})
	}
	t.Run("lease", func(t *testing.T) { testLease(t, store) })
	t.Run("feedback that is forgotten", func(t *testing.T) { testFeedbackForgotten(t, open(t, time.Now)) })
	t.Run("tombstones", func(t *testing.T) { testTombstones(t, open) })
}

// tenant is a store as one tenant sees it. Tests share a store and have a tenant each.
type tenant struct {
	Store
	name string
}

// document makes a document of a text with words words.
func document(id, text string) rag.Document { return rag.Document{ID: id, Text: text} }

// passages is n paragraphs of four words, each with a word of its own: <word>0, <word>1, ...
func passages(word string, n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = word + strconv.Itoa(i) + " thin flow plate"
	}
	return strings.Join(parts, "\n\n")
}

// chunked cuts a document into chunks of four words.
func chunked(t *testing.T, d rag.Document) rag.ChunkedDocument {
	t.Helper()
	c, err := rag.ChunkAndHash(d, rag.RetrievalSettings{ChunkWords: 4})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// write writes documents, makes them searchable and wants the statuses.
func (s tenant) write(t *testing.T, docs []rag.Document, want ...rag.WriteStatus) {
	t.Helper()
	batch := make([]rag.ChunkedDocument, len(docs))
	for i, d := range docs {
		batch[i] = chunked(t, d)
	}
	results, err := s.Write(t.Context(), s.name, batch)
	if err != nil {
		t.Fatalf("Write: %v", err)
	}
	if len(results) != len(docs) {
		t.Fatalf("Write of %d documents gave %d results", len(docs), len(results))
	}
	for i, r := range results {
		status := rag.StatusCreated
		if len(want) > 0 {
			status = want[i]
		}
		if r.ID != docs[i].ID || r.Status != status {
			t.Errorf("result %d is %s %s (%v), want %s %s", i, r.ID, r.Status, r.Err, docs[i].ID, status)
		}
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatalf("Refresh: %v", err)
	}
}

// search searches with the query's tenant and a size set where they are not.
func (s tenant) search(t *testing.T, q rag.Query) rag.Retrieval {
	t.Helper()
	q.Tenant = s.name
	if q.TopK == 0 {
		q.TopK = 50
	}
	found, err := rag.NewRetriever(s).Retrieve(t.Context(), q)
	if err != nil {
		t.Fatalf("Retrieve %.60q: %v", q.Text, err)
	}
	if found.Mode != rag.ModeKeyword || found.Degraded {
		t.Errorf("Retrieve %.60q was %s, degraded %t; want keyword", q.Text, found.Mode, found.Degraded)
	}
	return found
}

// documents are the ids of the documents that a query finds, best first, once each.
func (s tenant) documents(t *testing.T, q rag.Query) []string {
	t.Helper()
	ids := []string{}
	seen := map[string]bool{}
	for _, hit := range s.search(t, q).Hits {
		if !seen[hit.DocumentID] {
			seen[hit.DocumentID] = true
			ids = append(ids, hit.DocumentID)
		}
	}
	return ids
}

func chunkIDs(found rag.Retrieval) []string {
	ids := []string{}
	for _, hit := range found.Hits {
		ids = append(ids, hit.ID)
	}
	return ids
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
