package manifest

import (
	"strings"
)

// Problem is one thing that is wrong with a manifest.
type Problem struct {
	// Path is the field at fault (spec.retrieval.topK), or the document when no field is.
	Path string
	// Reason says what is wrong with it. It holds no value of a Secret.
	Reason string
}

// InvalidError is the error of a manifest that can be read but not used.
type InvalidError struct {
	// Problems in the order in which they were found, at least one.
	Problems []Problem
}

// Error is a line for each problem.
func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Path + ": " + p.Reason
	}
	return strings.Join(lines, "\n")
}
