package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// split reads the documents of a YAML file; those that hold comments alone are passed over. Whole numbers become int64,
// as on an API server: the decoder of encoding/json makes floats of them, which rules would refuse to compare.
func split(data []byte) ([]map[string]any, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	var documents []map[string]any
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the manifest: %w", err)
		}
		document, err := decode(text)
		if err != nil {
			return nil, fmt.Errorf("document %d of the manifest: %w", len(documents)+1, err)
		}
		if document != nil {
			documents = append(documents, document)
		}
	}
}

func decode(text []byte) (map[string]any, error) {
	asJSON, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return nil, err
	}
	var value any
	if err := utiljson.Unmarshal(asJSON, &value); err != nil {
		return nil, err
	}
	switch v := value.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return v, nil
	default:
		return nil, errors.New("is not an object: it must start with apiVersion, kind and metadata")
	}
}
