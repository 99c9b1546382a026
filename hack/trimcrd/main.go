// Command trimcrd takes the descriptions out of types of Kubernetes' own that a CustomResourceDefinition embeds: they are in the
// Kubernetes reference, and with each use of them the definition grows towards the size that kubectl apply can install. Fields that
// carry such a type keep their own description.
package main

import (
	"fmt"
	"os"
	"slices"

	"sigs.k8s.io/yaml"
)

// embedded are names of fields whose types are Kubernetes' own.
var embedded = []string{"affinity", "tolerations", "topologySpreadConstraints"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "trimcrd:", err)
		os.Exit(1)
	}
}

func run(files []string) error {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		trimmed, err := trim(text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := os.WriteFile(file, trimmed, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func trim(text []byte) ([]byte, error) {
	var definition any
	if err := yaml.Unmarshal(text, &definition); err != nil {
		return nil, err
	}
	walk(definition)
	out, err := yaml.Marshal(definition)
	return append([]byte("---\n"), out...), err
}

// walk looks for embedded fields below node.
func walk(node any) {
	switch n := node.(type) {
	case map[string]any:
		if properties, ok := n["properties"].(map[string]any); ok {
			for name, schema := range properties {
				if s, ok := schema.(map[string]any); ok && slices.Contains(embedded, name) {
					own, described := s["description"]
					undescribe(s)
					if described {
						s["description"] = own
					}
				}
			}
		}
		for _, child := range n {
			walk(child)
		}
	case []any:
		for _, child := range n {
			walk(child)
		}
	}
}

// undescribe removes every description of a schema. One that is no text is a property of that name.
func undescribe(node any) {
	switch n := node.(type) {
	case map[string]any:
		if _, text := n["description"].(string); text {
			delete(n, "description")
		}
		for _, child := range n {
			undescribe(child)
		}
	case []any:
		for _, child := range n {
			undescribe(child)
		}
	}
}
