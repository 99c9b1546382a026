package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// docs is where the pages are that panels link to.
const docs = "https://github.com/ragservice/ragservice-operator/blob/main/docs/"

// tag is on all dashboards, so that each links to the others.
const tag = "ragservice"

type dashboardQuery = variants.Dataquery

// Dashboard is one of Grafana.
type Dashboard struct {
	// Name is that of its file, and with a prefix its uid: it stays, since links name it.
	Name, Title string
	about       string
	// period is the time that it shows at first.
	period string
	rows   []row
}

// All are the dashboards.
func All() []Dashboard {
	return []Dashboard{systemHealth(), apiPerformance(), cachePerformance(), businessAndCost()}
}

// JSON is what Grafana imports.
func (d Dashboard) JSON() ([]byte, error) {
	built, err := d.build().Build()
	if err != nil {
		return nil, fmt.Errorf("dashboard %s: %w", d.Name, err)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // queries compare
	encoder.SetIndent("", " ")
	err = encoder.Encode(built)
	return text.Bytes(), err
}

func (d Dashboard) build() *dashboard.DashboardBuilder {
	b := dashboard.NewDashboardBuilder("RAGService / "+d.Title).
		Uid(tag+"-"+d.Name).Description(d.about).Tags([]string{tag}).
		Time("now-"+d.period, "now").Refresh("30s").Timezone("browser").Tooltip(dashboard.DashboardCursorSyncCrosshair).Readonly().
		Link(dashboard.NewDashboardLinkBuilder("Dashboards of RAGServices").Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{tag}).AsDropdown(true).IncludeVars(true).KeepTime(true)).
		Link(dashboard.NewDashboardLinkBuilder("About these dashboards").Type(dashboard.DashboardLinkTypeLink).
			Url(docs + "dashboards.md").TargetBlank(true)).
		Variables(variables())
	id := uint32(1)
	for _, r := range d.rows {
		b.WithRow(dashboard.NewRowBuilder(r.title).Id(id))
		for _, p := range r.panels {
			id++
			b.WithPanel(p.build(id))
		}
		id++
	}
	return b
}

// variables choose the RAGService and its servers. Any server has ragservice_build_info, so that it finds them all.
func variables() []cog.Builder[dashboard.VariableModel] {
	ask := func(name, label, query string) *dashboard.QueryVariableBuilder {
		return dashboard.NewQueryVariableBuilder(name).Label(label).Datasource(source).
			Query(dashboard.StringOrMap{String: &query}).Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
			Sort(dashboard.VariableSortAlphabeticalAsc)
	}
	return []cog.Builder[dashboard.VariableModel]{
		dashboard.NewDatasourceVariableBuilder("datasource").Label("Prometheus").Type("prometheus"),
		ask("namespace", "Namespace", `label_values(ragservice_build_info, namespace)`),
		ask("service", "RAGService", `label_values(ragservice_build_info{namespace="$namespace"}, service)`).Regex("/^(.*)-metrics$/"),
		ask("pod", "Server", shorthands.Replace(`label_values(ragservice_build_info{$all}, pod)`)).Multi(true).IncludeAll(true).AllValue(".*"),
	}
}
