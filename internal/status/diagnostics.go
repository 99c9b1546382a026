package status

import (
	"slices"
	"strings"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/observe/observed"
)

// maxDiagnostics bounds status.diagnostics, as its schema does.
const maxDiagnostics = 8

// diagnostics picks what fits into the status, sorted by pod and container: each component in turn, so that a hundred
// failing servers do not hide a failing store.
func diagnostics(all []observed.ComponentDiagnostic) []v1alpha1.Diagnostic {
	queues := map[desired.Component][]v1alpha1.Diagnostic{}
	var components []desired.Component
	for _, d := range all {
		if len(queues[d.Component]) == 0 {
			components = append(components, d.Component)
		}
		queues[d.Component] = append(queues[d.Component], d.Diagnostic)
	}
	slices.Sort(components)
	var out []v1alpha1.Diagnostic
	for turn := 0; len(out) < min(len(all), maxDiagnostics); turn++ {
		for _, c := range components {
			if turn < len(queues[c]) && len(out) < maxDiagnostics {
				out = append(out, queues[c][turn])
			}
		}
	}
	slices.SortFunc(out, func(a, b v1alpha1.Diagnostic) int {
		return strings.Compare(a.Pod+" "+a.Container, b.Pod+" "+b.Container)
	})
	return out
}
