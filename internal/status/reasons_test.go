package status_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/internal/status"
)

// page is docs/reasons.md: under each heading, the statuses in which each reason is explained.
type page map[string]map[string]string

var (
	heading = regexp.MustCompile("^## `?([A-Za-z]+)`?$")
	code    = regexp.MustCompile("`([A-Za-z]+)`")
)

func readPage(t *testing.T) page {
	t.Helper()
	text, err := os.ReadFile("../../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	p, section := page{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if match := heading.FindStringSubmatch(line); match != nil {
			section = match[1]
			p[section] = map[string]string{}
			continue
		}
		cells := strings.Split(line, "|")
		if section == "" || len(cells) < 4 {
			continue
		}
		for _, reason := range code.FindAllStringSubmatch(cells[1], -1) {
			p[section][reason[1]] = cells[2]
		}
	}
	return p
}

// constants are the values of the string constants of the API whose names begin with prefix.
func constants(t *testing.T, prefix string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../api/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if ok && strings.HasPrefix(spec.Names[0].Name, prefix) {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, value)
		}
		return true
	})
	slices.Sort(found)
	return found
}

func TestThePageOfReasonsIsWhole(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	events := p["Events"]
	delete(p, "Events")
	reasons := map[string]bool{}
	for _, section := range p {
		for reason := range section {
			reasons[reason] = true
		}
	}
	for _, c := range []struct {
		what      string
		api, docs []string
	}{
		{"conditions", constants(t, "Condition"), slices.Sorted(maps.Keys(p))},
		{"reasons", constants(t, "Reason"), slices.Sorted(maps.Keys(reasons))},
		{"events", constants(t, "Event"), slices.Sorted(maps.Keys(events))},
	} {
		if diff := cmp.Diff(c.api, c.docs); diff != "" {
			t.Errorf("%s (-api +docs):\n%s", c.what, diff)
		}
	}
}

// TestWhatIsSaidIsExplained looks up every outcome of TestEvaluate.
func TestWhatIsSaidIsExplained(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	for _, c := range evaluations {
		for conditionType, outcome := range outcomes(status.Evaluate(wellPass(c.changes...)).Status) {
			said, reason, _ := strings.Cut(outcome, "/")
			if !strings.Contains(p[conditionType][reason], said) {
				t.Errorf("%s: %s %s is not explained", c.name, conditionType, outcome)
			}
		}
	}
}
