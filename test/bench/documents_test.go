package bench

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/proc"
	"github.com/ragservice/ragservice-operator/test/quality"
)

// citedDocuments is how many documents the measured answer draws on.
const citedDocuments = 3

// corpus is the documents of the measured service, questions to them, and what they are.
type corpus struct {
	name      string
	documents []rag.Document
	questions []string
}

// loadCorpus reads the Cranfield collection, else this repository's own docs.
func loadCorpus(tb testing.TB) corpus {
	tb.Helper()
	dir := os.Getenv("RAGSERVICE_CRANFIELD")
	if _, err := os.Stat(filepath.Join(dir, "documents.ndjson")); dir == "" || err != nil {
		return ownDocs(tb)
	}
	collection, err := quality.Load(dir)
	if err != nil {
		tb.Fatal(err)
	}
	c := corpus{name: "the Cranfield abstracts", documents: collection.Documents}
	for _, q := range collection.Questions {
		c.questions = append(c.questions, q.Text)
	}
	return c
}

// ownDocs asks each heading of the docs as a question.
func ownDocs(tb testing.TB) corpus {
	tb.Helper()
	dir, err := proc.RepositoryFile("docs")
	if err != nil {
		tb.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		tb.Fatal(err)
	}
	c := corpus{name: "the pages of docs/"}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		c.documents = append(c.documents, rag.Document{ID: filepath.Base(file), Text: string(text)})
		for line := range strings.Lines(string(text)) {
			if heading, ok := strings.CutPrefix(line, "## "); ok {
				c.questions = append(c.questions, strings.TrimSpace(heading))
			}
		}
	}
	return c
}

// upload writes the corpus, in requests far under the bound of a body.
func (s *ragserver) upload(c corpus) {
	s.tb.Helper()
	const batch = 200
	for some := range slices.Chunk(c.documents, batch) {
		var result struct{ Failed int }
		answer, _ := s.post("/api/v1/documents", "admin", some)
		if err := json.Unmarshal(answer, &result); err != nil || result.Failed > 0 {
			s.tb.Fatalf("documents were not written: %v %.500s", err, answer)
		}
	}
}

// typicalQuestion is the first question whose answer cites citedDocuments, else the one whose answer cites most.
func (s *ragserver) typicalQuestion(c corpus) (question string, cites int) {
	s.tb.Helper()
	for _, q := range c.questions {
		answer, _ := s.ask(q)
		var a struct{ Sources []string }
		if err := json.Unmarshal(answer, &a); err != nil {
			s.tb.Fatal(err)
		}
		if len(a.Sources) > cites {
			question, cites = q, len(a.Sources)
		}
		if cites >= citedDocuments {
			break
		}
	}
	return question, cites
}

func (s *ragserver) ask(question string) ([]byte, http.Header) {
	s.tb.Helper()
	return s.post("/api/v1/ask", "client", map[string]string{"query": question})
}
