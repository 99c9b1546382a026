package httpapi_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/httpapi"
)

// page is docs/http-api.md.
func page(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/http-api.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestTheTableOfErrors: the page, the mapper and the domain's kinds agree.
func TestTheTableOfErrors(t *testing.T) {
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (\\d{3}) \\| `(\\w+)` \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(page(t), -1) {
		documented[row[2]] = row[1]
	}
	if diff := cmp.Diff(documented, httpapi.Statuses()); diff != "" {
		t.Errorf("-documented +mapped: %s", diff)
	}
}

func TestTheTableOfRoutes(t *testing.T) {
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| \\[`(\\w+ /\\S+)`\\]").FindAllStringSubmatch(page(t), -1) {
		documented = append(documented, row[1])
	}
	routes := httpapi.Routes()
	slices.Sort(routes)
	slices.Sort(documented)
	if diff := cmp.Diff(documented, routes); diff != "" {
		t.Errorf("-documented +routed: %s", diff)
	}
}
