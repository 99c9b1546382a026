// Package quality measures how well the stores rank: nDCG@10 on the Cranfield collection, 1,398 abstracts on
// aerodynamics and 113 questions that people have judged them for. docs/retrieval.md has the results.
package quality

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Question is a question and the documents that answer it. All grades count alike.
type Question struct {
	ID       string          `json:"id"`
	Text     string          `json:"text"`
	Relevant map[string]bool `json:"-"`
}

// Collection is documents with questions that they were judged for.
type Collection struct {
	Documents []rag.Document
	Questions []Question
}

// Load reads a collection from a folder with documents.ndjson (id, title, text), queries.ndjson (id, text) and qrels.tsv
// (query_id, document_id, grade, under a heading).
func Load(dir string) (Collection, error) {
	var c Collection
	err := eachLine(filepath.Join(dir, "documents.ndjson"), func(line []byte) error {
		var d rag.Document
		c.Documents = append(c.Documents, d)
		return json.Unmarshal(line, &c.Documents[len(c.Documents)-1])
	})
	if err != nil {
		return Collection{}, err
	}
	relevant := map[string]map[string]bool{}
	err = eachLine(filepath.Join(dir, "qrels.tsv"), func(line []byte) error {
		fields := strings.Split(string(line), "\t")
		if len(fields) != 3 {
			return fmt.Errorf("want three fields, got %d", len(fields))
		}
		if relevant[fields[0]] == nil {
			relevant[fields[0]] = map[string]bool{}
		}
		relevant[fields[0]][fields[1]] = true
		return nil
	})
	if err != nil {
		return Collection{}, err
	}
	err = eachLine(filepath.Join(dir, "queries.ndjson"), func(line []byte) error {
		var q Question
		if err := json.Unmarshal(line, &q); err != nil {
			return err
		}
		q.Relevant = relevant[q.ID]
		c.Questions = append(c.Questions, q)
		return nil
	})
	return c, err
}

func eachLine(path string, read func([]byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if err := read(lines.Bytes()); err != nil {
			return fmt.Errorf("%s line %d: %w", path, n, err)
		}
	}
	return lines.Err()
}
