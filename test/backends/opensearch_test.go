package backends_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/test/backends"
)

func call(t *testing.T, method, url, body string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s %s: %s: %s", method, url, response.Status, answer)
	}
	return answer
}

// What the product needs of the engine: English words, and vectors beside them under a filter.
func TestOpenSearchHasWordsAndVectors(t *testing.T) {
	t.Parallel()
	index := backends.OpenSearch(t) + "/backends-words-and-vectors"
	t.Cleanup(func() {
		request, _ := http.NewRequest(http.MethodDelete, index, nil)
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
		}
	})
	call(t, http.MethodPut, index, `{
		"settings": {"index.knn": true, "number_of_replicas": 0},
		"mappings": {"properties": {
			"text": {"type": "text", "analyzer": "english"},
			"kind": {"type": "keyword"},
			"vector": {"type": "knn_vector", "dimension": 2,
				"method": {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"}}}}}`)
	call(t, http.MethodPut, index+"/_doc/a?refresh=true", `{"text": "running servers", "kind": "x", "vector": [1, 0]}`)
	call(t, http.MethodPut, index+"/_doc/b?refresh=true", `{"text": "a boat", "kind": "y", "vector": [1, 0.1]}`)

	queries := map[string]string{
		"a": `{"query": {"match": {"text": "server run"}}}`,
		"b": `{"query": {"knn": {"vector": {"vector": [1, 0], "k": 1, "filter": {"term": {"kind": "y"}}}}}}`,
	}
	for want, query := range queries {
		var found struct {
			Hits struct {
				Hits []struct {
					ID string `json:"_id"`
				} `json:"hits"`
			} `json:"hits"`
		}
		if err := json.Unmarshal(call(t, http.MethodPost, index+"/_search", query), &found); err != nil {
			t.Fatal(err)
		}
		if len(found.Hits.Hits) != 1 || found.Hits.Hits[0].ID != want {
			t.Errorf("%s found %v, want %s alone", query, found.Hits.Hits, want)
		}
	}
}
