package openaitest

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
)

// DefaultDimensions is the length of vectors when the request names none.
const DefaultDimensions = 384

type embeddingRequest struct {
	Model          string `json:"model"`
	Input          inputs `json:"input"`
	Dimensions     int    `json:"dimensions"`
	EncodingFormat string `json:"encoding_format"`
}

// inputs is one text or a list of them; the API takes both.
type inputs []string

// UnmarshalJSON reads both forms.
func (in *inputs) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*in = inputs{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(in))
}

func (s *Server) embed(w http.ResponseWriter, r *http.Request, request *Request, b Behaviour) bool {
	var in embeddingRequest
	if err := json.Unmarshal(request.Body, &in); err != nil {
		fail(w, http.StatusBadRequest, "We could not parse the JSON body of your request: "+err.Error())
		return true
	}
	if in.Model == "" || len(in.Input) == 0 || in.Dimensions < 0 {
		fail(w, http.StatusBadRequest, "you must provide a model and input")
		return true
	}
	if in.Dimensions == 0 {
		in.Dimensions = DefaultDimensions
	}
	data, tokens := make([]any, 0, len(in.Input)), 0
	for i, text := range in.Input {
		if text == "" {
			fail(w, http.StatusBadRequest, "'$.input' is invalid: it holds an empty string")
			return true
		}
		tokens += len(words(text))
		data = append(data, map[string]any{
			"object": "embedding", "index": i, "embedding": encode(Vector(text, in.Dimensions), in.EncodingFormat),
		})
	}
	return s.deliver(w, r, b, jsonAnswer(map[string]any{
		"object": "list", "data": data, "model": in.Model,
		"usage": map[string]any{"prompt_tokens": tokens, "total_tokens": tokens},
	}))
}

// Vector is the unit vector that the server gives a text: the sum of a random direction for each of its words, which
// depends on the word alone. Texts with words in common are near each other, others are nearly orthogonal.
func Vector(text string, dimensions int) []float32 {
	sum := make([]float64, dimensions)
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		hash := fnv.New64a()
		_, _ = hash.Write([]byte(word)) // never fails
		direction := rand.New(rand.NewPCG(hash.Sum64(), 0))
		for i := range sum {
			sum[i] += direction.NormFloat64()
		}
	}
	var square float64
	for _, x := range sum {
		square += x * x
	}
	length := math.Sqrt(square)
	vector := make([]float32, dimensions)
	for i, x := range sum {
		if length > 0 { // a text of blanks has no direction
			vector[i] = float32(x / length)
		}
	}
	return vector
}

// encode writes a vector as the request asked: a list of numbers, or base64 of little-endian float32, which is what the
// Python client asks for.
func encode(vector []float32, format string) any {
	if format != "base64" {
		return vector
	}
	packed := make([]byte, 0, 4*len(vector))
	for _, x := range vector {
		packed = binary.LittleEndian.AppendUint32(packed, math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(packed)
}
