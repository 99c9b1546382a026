package dashboards_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"

	"github.com/ragservice/ragservice-operator/dashboards"
)

var update = flag.Bool("update", false, "write the files of the dashboards, and the chart's copies of them")

// TestMain has the reader of Grafana's schema know the kinds of panels and queries.
func TestMain(m *testing.M) {
	schemas := cog.NewRuntime()
	for _, panel := range []variants.PanelcfgConfig{stat.VariantConfig(), statetimeline.VariantConfig(), timeseries.VariantConfig()} {
		schemas.RegisterPanelcfgVariant(panel)
	}
	schemas.RegisterDataqueryVariant(prometheus.VariantConfig())
	os.Exit(m.Run())
}

// TestFiles: the files here and in the chart, which can only read its own, are what the code says.
func TestFiles(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{".", "../charts/ragservice-operator/dashboards"} {
		stale := map[string]bool{}
		there, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range there {
			stale[file] = true
		}
		for _, d := range dashboards.All() {
			file := filepath.Join(folder, d.Name+".json")
			delete(stale, file)
			want := text(t, d)
			if *update {
				if err := os.WriteFile(file, want, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s is not what the code says: go test ./dashboards -update (%v)", file, err)
			}
		}
		for file := range stale {
			t.Errorf("%s is of no dashboard", file)
		}
	}
}

// TestGrafanaTakesThem reads them by the schema of Grafana, which refuses what it does not know.
func TestGrafanaTakesThem(t *testing.T) {
	t.Parallel()
	uids := map[string]bool{}
	for _, d := range dashboards.All() {
		var read dashboard.Dashboard
		if err := read.UnmarshalJSONStrict(text(t, d)); err != nil && err.Error() != "" { // it may return an empty list of errors
			t.Errorf("%s: %v", d.Name, err)
			continue
		}
		if err := read.Validate(); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
		if uids[*read.Uid] {
			t.Errorf("%s: another one has its uid %s", d.Name, *read.Uid)
		}
		uids[*read.Uid] = true
		if len(*read.Uid) > 40 {
			t.Errorf("%s: Grafana refuses a uid of %d characters", d.Name, len(*read.Uid))
		}
	}
}

// TestPanels: each explains itself, and has its place.
func TestPanels(t *testing.T) {
	t.Parallel()
	for _, d := range dashboards.All() {
		ids, titles, places := map[uint32]bool{}, map[string]bool{}, map[[2]uint32]string{}
		row := ""
		for _, p := range read(t, d).Panels {
			if p.RowPanel != nil {
				row = *p.RowPanel.Title
				continue
			}
			panel := p.Panel
			name := d.Name + " / " + row + " / " + *panel.Title
			if ids[*panel.Id] || titles[name] {
				t.Errorf("%s: its id or its title is there twice", name)
			}
			ids[*panel.Id], titles[name] = true, true
			if *panel.Description == "" || !strings.HasSuffix(*panel.Description, ".") || len(panel.Targets) == 0 {
				t.Errorf("%s: it does not say what it shows", name)
			}
			if len(panel.Links) != 1 {
				t.Errorf("%s: no link to what one does about it", name)
			}
			if unit := panel.FieldConfig.Defaults.Unit; panel.Type != "state-timeline" && len(panel.FieldConfig.Defaults.Mappings) == 0 && (unit == nil || *unit == "") {
				t.Errorf("%s: no unit", name)
			}
			for x := panel.GridPos.X; x < panel.GridPos.X+panel.GridPos.W; x++ {
				for y := panel.GridPos.Y; y < panel.GridPos.Y+panel.GridPos.H; y++ {
					if other := places[[2]uint32{x, y}]; other != "" || x >= 24 {
						t.Fatalf("%s: lies on %s or beyond the edge", name, other)
					}
					places[[2]uint32{x, y}] = name
				}
			}
		}
	}
}

// TestLinks: pages and headings that panels link to are there.
func TestLinks(t *testing.T) {
	t.Parallel()
	headings := regexp.MustCompile("(?m)^#+ (.*)$")
	for _, d := range dashboards.All() {
		links := read(t, d).Links
		for _, p := range read(t, d).Panels {
			if p.Panel != nil {
				links = append(links, p.Panel.Links...)
			}
		}
		for _, link := range links {
			if link.Type != dashboard.DashboardLinkTypeLink {
				continue
			}
			page, anchor, _ := strings.Cut((*link.Url)[strings.Index(*link.Url, "/docs/"):], "#")
			content, err := os.ReadFile(filepath.Join("..", page))
			if err != nil {
				t.Errorf("%s links to a page that is not there: %v", d.Name, err)
				continue
			}
			found := anchor == ""
			for _, heading := range headings.FindAllStringSubmatch(string(content), -1) {
				found = found || anchorOf(heading[1]) == anchor
			}
			if !found {
				t.Errorf("%s links to %s, which has no heading #%s", d.Name, page, anchor)
			}
		}
	}
}

// anchorOf is how GitHub names a heading.
func anchorOf(heading string) string {
	return strings.ReplaceAll(regexp.MustCompile("[^a-z0-9 -]").ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

func text(t *testing.T, d dashboards.Dashboard) []byte {
	t.Helper()
	text, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func read(t *testing.T, d dashboards.Dashboard) dashboard.Dashboard {
	t.Helper()
	var into dashboard.Dashboard
	if err := json.Unmarshal(text(t, d), &into); err != nil {
		t.Fatal(err)
	}
	return into
}
