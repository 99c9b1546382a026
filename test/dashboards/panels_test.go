package dashboards

import (
	"context"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/dashboards"
)

var pictures = flag.String("pictures", "", "folder to draw the dashboards into, after minutes of load")

// panel is what the test reads of a panel: as Grafana does, of the JSON.
type panel struct {
	ID         int
	Type       string
	Title      string
	GridPos    struct{ X, Y, W, H int }
	Datasource struct{ UID string }
	Targets    []struct {
		Expr, LegendFormat string
		Instant            bool
	}
	FieldConfig struct{ Defaults fieldDefaults }
}

type fieldDefaults struct {
	Unit       string
	Max        *float64
	Custom     struct{ Stacking struct{ Mode string } }
	Thresholds struct {
		Steps []struct {
			Value *float64
			Color string
		}
	}
	Mappings []struct {
		Options map[string]struct{ Text, Color string }
	}
}

// board is what the test reads of a dashboard.
type board struct {
	Title      string
	Panels     []panel
	Templating struct {
		List []struct{ Name, Type, Regex, Query string }
	}
}

// shown is a panel with what its queries found, in their order.
type shown struct {
	panel
	found [][]series
}

// TestPanelsShowData: after a minute of load with failures, every query of every panel finds numbers.
func TestPanelsShowData(t *testing.T) {
	s := startService(t)
	s.startOperator(t)
	prometheus := startPrometheus(t, s)
	phase, step := 10*time.Second, time.Second
	if *pictures != "" {
		phase, step = 40*time.Second, 3*time.Second
	}
	if *phaseFlag > 0 {
		phase, step = *phaseFlag, max(time.Second, *phaseFlag/20)
	}
	begin := time.Now()
	s.load(t, phase)
	end := time.Now()
	window := newWindow(begin, end, step)
	for _, d := range dashboards.All() {
		b := read(t, d)
		checkVariables(t, prometheus, d.Name, b)
		var all []shown
		for _, p := range b.Panels {
			all = append(all, check(t, prometheus, d.Name, p, window))
		}
		if *pictures != "" {
			if err := os.WriteFile(filepath.Join(*pictures, d.Name+".svg"), draw(b.Title, all, window), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	truths(t, prometheus, window)
	families := checkCardinality(t, prometheus, end)
	if *seriesFile != "" {
		if err := os.WriteFile(*seriesFile, []byte(table(families)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// window is the time that dashboards show in the test.
type window struct {
	from, to time.Time
	step     time.Duration
	values   *strings.Replacer
}

// newWindow has what Grafana puts in place of variables.
func newWindow(from, to time.Time, step time.Duration) window {
	return window{from.Add(10 * time.Second), to, step, strings.NewReplacer(
		"$__rate_interval", (10*time.Second + 10*step).String(), "$__range", to.Sub(from).Round(time.Second).String(),
		"$namespace", namespace, "${service}", name, "$service", name, "$pod", ".*",
	)}
}

func check(t *testing.T, prometheus prometheusServer, dashboard string, p panel, w window) shown {
	t.Helper()
	result := shown{panel: p}
	if p.Type != "row" && p.Datasource.UID != "${datasource}" {
		t.Errorf("%s / %s asks another Prometheus than the one that is chosen", dashboard, p.Title)
	}
	for _, target := range p.Targets {
		expr := w.values.Replace(target.Expr)
		var found []series
		var err error
		if target.Instant {
			found, err = prometheus.at(t.Context(), expr, w.to)
		} else {
			found, err = prometheus.over(t.Context(), expr, w.from, w.to, w.step)
		}
		if err != nil || len(found) == 0 || strings.Contains(expr, "$") {
			t.Errorf("%s / %s: no numbers: %v\n%s", dashboard, p.Title, err, expr)
		}
		for _, label := range regexp.MustCompile(`{{(\w+)}}`).FindAllStringSubmatch(target.LegendFormat, -1) {
			if !slices.ContainsFunc(found, func(s series) bool { return s.labels[label[1]] != "" }) {
				t.Errorf("%s / %s: the legend names %s, which no series has", dashboard, p.Title, label[1])
			}
		}
		result.found = append(result.found, found)
	}
	return result
}

// checkVariables: the choices that Grafana offers are those that there are.
func checkVariables(t *testing.T, prometheus prometheusServer, dashboard string, b board) {
	t.Helper()
	want := map[string][]string{"namespace": {namespace}, "service": {name}, "pod": {"papers-server-7c9f-4xk2p", "papers-server-7c9f-m8vqz"}}
	asks := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	for _, v := range b.Templating.List {
		if v.Type != "query" {
			continue
		}
		ask := asks.FindStringSubmatch(newWindow(time.Time{}, time.Time{}, 0).values.Replace(v.Query))
		var values []string
		if err := prometheus.get(t.Context(), "/api/v1/label/"+ask[2]+"/values", url.Values{"match[]": {ask[1]}}, &values); err != nil {
			t.Fatal(err)
		}
		if v.Regex != "" {
			name := regexp.MustCompile(strings.Trim(v.Regex, "/"))
			for i := range values {
				values[i] = name.FindStringSubmatch(values[i])[1]
			}
		}
		if !slices.Equal(values, want[v.Name]) {
			t.Errorf("%s: $%s is one of %q, want %q", dashboard, v.Name, values, want[v.Name])
		}
	}
}

// truths are numbers that the load decides, so that a query that counts double or nothing is noticed.
func truths(t *testing.T, prometheus prometheusServer, w window) {
	t.Helper()
	for _, c := range []struct {
		dashboard, title string
		from, to         float64
	}{
		{"system-health", "Servers", 2, 2},
		{"system-health", "Ready", 0, 0}, // no node runs what the operator makes
		{"cache-performance", "Hit rate", 0.05, 0.95},
		{"api-performance", "Refused by limits", 0.001, 0.5},
		{"business-and-cost", "Answered", 0.1, 0.95},
		{"business-and-cost", "Share of tokens that the cache saved", 0.01, 0.99},
		{"system-health", "Configuration", 2, 2},
	} {
		got := last(t.Context(), prometheus, c.dashboard, c.title, w)
		if got < c.from || got > c.to {
			t.Errorf("%s / %s is %g, want %g to %g", c.dashboard, c.title, got, c.from, c.to)
		}
	}
}

// last is the last value of the first query of a panel; -1 without any.
func last(ctx context.Context, prometheus prometheusServer, dashboard, title string, w window) float64 {
	for _, d := range dashboards.All() {
		if d.Name != dashboard {
			continue
		}
		var b board
		if text, err := d.JSON(); err != nil || json.Unmarshal(text, &b) != nil {
			return -1
		}
		for _, p := range b.Panels {
			if p.Title != title {
				continue
			}
			found, err := prometheus.at(ctx, w.values.Replace(p.Targets[0].Expr), w.to)
			if err == nil && len(found) > 0 {
				return found[0].points[0].value
			}
		}
	}
	return -1
}

func read(t *testing.T, d dashboards.Dashboard) board {
	t.Helper()
	text, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var b board
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	return b
}
