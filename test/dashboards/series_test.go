package dashboards

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	seriesFile = flag.String("series", "", "file to write the table of metrics into, with the series of each that the load has made")
	phaseFlag  = flag.Duration("phase", 0, "how long each of the five phases of the load lasts; 0 for 10 s, or 40 s with -pictures")
)

// family is a metric: a histogram is one, with the series of its buckets, count and sum.
type family struct {
	kind string
	// server and operator are how many series a process has, the one with most.
	server, operator int
}

// cardinality counts the series of each metric that servers and the operator have shown.
func (p prometheusServer) cardinality(ctx context.Context, at time.Time) (map[string]family, error) {
	var described map[string][]struct{ Type string }
	if err := p.get(ctx, "/api/v1/metadata", url.Values{}, &described); err != nil {
		return nil, err
	}
	counted, err := p.at(ctx, `count by (__name__, job, pod) ({job=~"papers-metrics|operator-metrics"})`, at)
	if err != nil {
		return nil, err
	}
	families, perProcess := map[string]family{}, map[[3]string]int{}
	for _, s := range counted {
		name := s.labels["__name__"]
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if base, is := strings.CutSuffix(name, suffix); is && described[base] != nil {
				name = base
			}
		}
		if base, is := strings.CutSuffix(name, "_total"); is && described[base] != nil {
			described[name] = described[base] // OpenMetrics describes a counter without its suffix
		}
		perProcess[[3]string{name, s.labels["job"], s.labels["pod"]}] += int(s.points[0].value)
	}
	for of, n := range perProcess {
		if described[of[0]] == nil {
			continue // of Prometheus itself: up, scrape_duration_seconds
		}
		f := families[of[0]]
		f.kind = described[of[0]][0].Type
		if of[1] == "operator-metrics" {
			f.operator = max(f.operator, n)
		} else {
			f.server = max(f.server, n)
		}
		families[of[0]] = f
	}
	return families, nil
}

// table writes the metrics of this product and how many series each has; those of Go, of the process and of client libraries are one line.
func table(families map[string]family) string {
	var text strings.Builder
	text.WriteString("| metric | type | series of a server | of the operator |\n|---|---|---|---|\n")
	var others, all family
	for _, name := range slices.Sorted(maps.Keys(families)) {
		f := families[name]
		all.server, all.operator = all.server+f.server, all.operator+f.operator
		if !strings.HasPrefix(name, "ragservice_") && !strings.HasPrefix(name, "http_server_") && !strings.HasPrefix(name, "gen_ai_") {
			others.server, others.operator = others.server+f.server, others.operator+f.operator
			continue
		}
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s |\n", name, f.kind, orNone(f.server), orNone(f.operator))
	}
	fmt.Fprintf(&text, "| of Go, the process and libraries | | %d | %d |\n| all | | %d | %d |\n", others.server, others.operator, all.server, all.operator)
	return text.String()
}

func orNone(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// checkCardinality bounds the series of a server: no label has a value of the callers' own.
func checkCardinality(t *testing.T, p prometheusServer, at time.Time) map[string]family {
	t.Helper()
	families, err := p.cardinality(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	var all int
	for name, f := range families {
		all += f.server
		if f.server > 1000 {
			t.Errorf("%s has %d series a server", name, f.server)
		}
	}
	if all < 100 || all > 3000 {
		t.Errorf("a server has %d series", all)
	}
	return families
}
