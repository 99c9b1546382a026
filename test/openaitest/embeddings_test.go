package openaitest_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/openai/openai-go/v3"

	"github.com/ragservice/ragservice-operator/test/openaitest"
)

func TestEmbeddings(t *testing.T) {
	t.Parallel()
	client := official(openaitest.New(t))
	answer, err := client.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
		Model:      "test-model",
		Input:      openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"wing flutter", "Flutter of wing", "heat"}},
		Dimensions: openai.Int(64),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Data) != 3 || len(answer.Data[0].Embedding) != 64 || answer.Usage.TotalTokens != 6 {
		t.Fatalf("%d vectors of %d, %d tokens", len(answer.Data), len(answer.Data[0].Embedding), answer.Usage.TotalTokens)
	}
	vector := func(i int) []float64 { return answer.Data[i].Embedding }
	if self := dot(vector(0), vector(0)); math.Abs(self-1) > 1e-6 {
		t.Errorf("length² %f, want 1", self)
	}
	near, far := dot(vector(0), vector(1)), dot(vector(0), vector(2))
	if near < 0.6 || far > 0.4 {
		t.Errorf("similarity of texts that share words %f, of others %f", near, far)
	}
}

func dot(a, b []float64) float64 {
	var sum float64
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// The official Python client asks for base64.
func TestEmbeddingsInBase64(t *testing.T) {
	t.Parallel()
	s := openaitest.New(t)
	body := strings.NewReader(`{"model": "m", "input": "heat", "dimensions": 8, "encoding_format": "base64"}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.BaseURL()+"/embeddings", body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data []struct {
			Embedding string `json:"embedding"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	packed, err := base64.StdEncoding.DecodeString(answer.Data[0].Embedding)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(packed)/4)
	if _, err := binary.Decode(packed, binary.LittleEndian, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(openaitest.Vector("heat", 8), got); diff != "" {
		t.Error(diff)
	}
}
