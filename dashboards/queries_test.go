package dashboards_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/prometheus"

	"github.com/ragservice/ragservice-operator/dashboards"
)

var (
	metric = regexp.MustCompile(`\b((?:ragservice|http_server|gen_ai|process)_\w+|up){([^}]*)}`)
	// totalled is a number of a store that is summed over servers, all of which show the same.
	totalled = regexp.MustCompile(`(sum|count|avg)( by \([a-z, ]*\))? ?\((rate\(|increase\()?ragservice_(redis|opensearch)_`)
	measured = regexp.MustCompile(`ragservice_(redis|opensearch)_operation_duration_seconds`)
	suffix   = regexp.MustCompile(`_(bucket|count|sum)$`)
)

// TestQueries: each is of one RAGService, and of metrics that docs/metrics.md lists.
func TestQueries(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dashboards.All() {
		for _, p := range read(t, d).Panels {
			if p.Panel == nil {
				continue
			}
			for _, target := range p.Panel.Targets {
				expr := strings.ReplaceAll(target.(*prometheus.Dataquery).Expr, "${service}", "$service")
				name := d.Name + " / " + *p.Panel.Title
				if totalled.MatchString(measured.ReplaceAllString(expr, "operation")) {
					t.Errorf("%s: sums what every server says of a store: %s", name, expr)
				}
				for _, found := range metric.FindAllStringSubmatch(expr, -1) {
					of := strings.HasPrefix(found[2], `namespace="$namespace",service="$service-metrics"`)
					if strings.HasPrefix(found[1], "ragservice_operator_") {
						of = strings.Contains(found[2], `name="$service"`) && strings.Contains(found[2], `namespace="$namespace"`)
					}
					if !of {
						t.Errorf("%s: %s is not of the RAGService", name, found[0])
					}
				}
				for _, found := range regexp.MustCompile(`\b(ragservice|gen_ai|http_server)_\w+`).FindAllString(expr, -1) {
					if !strings.Contains(string(page), "`"+suffix.ReplaceAllString(found, "")+"`") && !strings.Contains(string(page), "`"+found+"`") &&
						!strings.HasPrefix(found, "gen_ai_request_") && !strings.HasPrefix(found, "gen_ai_token_") {
						t.Errorf("%s: docs/metrics.md does not list %s", name, found)
					}
				}
			}
		}
	}
}
