package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// row is a headline with panels below.
type row struct {
	title  string
	panels []panel
}

// panel is one picture of numbers.
type panel struct {
	title string
	// about says what is shown and when to worry; page, under docs/, tells more.
	about, page string
	kind        kind
	unit        string
	// width is in 24ths of the dashboard.
	width   uint32
	queries []query
	// steps are where the colour changes, from the lowest; the first has no bound.
	steps []step
	// names are words for values, where these are states.
	names map[string]state
	// stacked puts the series of a graph on one another. share has its axis go from 0 to 1.
	stacked, share bool
	// worded is a graph whose series are words that have colours of their own.
	worded bool
}

// query is what a panel asks Prometheus. The legend may name labels as {{label}}.
type query struct{ expr, legend string }

// kind is how a panel shows its numbers.
type kind int

const (
	graph  kind = iota // lines over time
	number             // the value of now, with its course behind
	total              // one value of the whole time that is shown
	states             // bars over time
)

const (
	lowHeight  = 4 // of a number
	fullHeight = 8
)

// step is a colour from a value on.
type step struct {
	from  float64
	color string
}

// state is how a value is shown that stands for one.
type state struct{ text, color string }

// Colours mean the same on all dashboards.
const (
	good  = "green"
	fair  = "yellow"
	bad   = "red"
	plain = "blue"
)

// words are series that have the same colour wherever they are.
var words = []struct{ names, color string }{
	{"^(ok|hit|HIT|admitted|answered|created|2xx)$", "green"},
	{"^(miss|MISS|updated|4xx|shadowed)$", "orange"},
	{"^(stale|STALE|degraded)$", "yellow"},
	{"^(error|refused|failed|5xx|timeout|unreachable)$", "red"},
	{"^(BYPASS|unchanged|3xx|canceled)$", "#8a8f98"},
	{"^(cache|search|input|p50|received)$", "blue"},
	{"^(state|llm|output|p95|sent)$", "purple"},
	{"^(p99)$", "dark-red"},
}

var source = common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}

// build makes the panel of Grafana; id is its number in the dashboard, which links to it name.
func (p panel) build(id uint32) cog.Builder[dashboard.Panel] {
	switch p.kind {
	case number, total:
		return p.number(id)
	case states:
		return p.states(id)
	default:
		return p.graph(id)
	}
}

func (p panel) graph(id uint32) *timeseries.PanelBuilder {
	b := timeseries.NewPanelBuilder().
		Id(id).Title(p.title).Description(p.about).Links(p.links()).Datasource(source).
		Span(p.width).Height(fullHeight).Unit(p.unit).Targets(p.targets()).Min(0).
		LineWidth(1.5).FillOpacity(p.opacity()).ShowPoints(common.VisibilityModeNever).SpanNulls(common.BoolOrFloat64{Bool: new(false)}).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdPaletteClassicByName)).
		Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	if p.share {
		b.Max(1)
	}
	if p.stacked {
		b.Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal))
	}
	if p.steps != nil {
		b.Thresholds(p.thresholds()).ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
	}
	if !p.worded {
		return b
	}
	for _, w := range words {
		b.OverrideByRegexp(w.names, []dashboard.DynamicConfigValue{{Id: "color", Value: map[string]string{"mode": "fixed", "fixedColor": w.color}}})
	}
	return b
}

func (p panel) opacity() float64 {
	if p.stacked {
		return 60
	}
	return 8
}

func (p panel) number(id uint32) *stat.PanelBuilder {
	background := common.BigValueGraphModeArea
	if p.kind == total {
		background = common.BigValueGraphModeNone
	}
	return stat.NewPanelBuilder().
		Id(id).Title(p.title).Description(p.about).Links(p.links()).Datasource(source).
		Span(p.width).Height(lowHeight).Unit(p.unit).Targets(p.targets()).Thresholds(p.thresholds()).Mappings(p.mappings()).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).
		ColorMode(common.BigValueColorModeValue).GraphMode(background).NoValue("no data").
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
}

func (p panel) states(id uint32) *statetimeline.PanelBuilder {
	return statetimeline.NewPanelBuilder().
		Id(id).Title(p.title).Description(p.about).Links(p.links()).Datasource(source).
		Span(p.width).Height(fullHeight).Unit(p.unit).Targets(p.targets()).Thresholds(p.thresholds()).Mappings(p.mappings()).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).
		ShowValue(common.VisibilityModeNever).MergeValues(true).RowHeight(0.8).
		Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true))
}

func (p panel) targets() []cog.Builder[dashboardQuery] {
	var all []cog.Builder[dashboardQuery]
	for i, q := range p.queries {
		target := prometheus.NewDataqueryBuilder().RefId(string(rune('A' + i))).Datasource(source).
			Expr(shorthands.Replace(q.expr)).LegendFormat(q.legend).EditorMode(prometheus.QueryEditorModeCode)
		if p.kind == total {
			target.Instant()
		} else {
			target.Range()
		}
		all = append(all, target)
	}
	return all
}

func (p panel) thresholds() *dashboard.ThresholdsConfigBuilder {
	var steps []dashboard.Threshold
	for i, s := range p.steps {
		t := dashboard.Threshold{Color: s.color}
		if i > 0 {
			t.Value = &s.from
		}
		steps = append(steps, t)
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps)
}

func (p panel) mappings() []dashboard.ValueMapping {
	if p.names == nil {
		return []dashboard.ValueMapping{}
	}
	options := map[string]dashboard.ValueMappingResult{}
	for value, s := range p.names {
		options[value] = dashboard.ValueMappingResult{Text: &s.text, Color: &s.color}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options}}}
}

func (p panel) links() []cog.Builder[dashboard.DashboardLink] {
	return []cog.Builder[dashboard.DashboardLink]{
		dashboard.NewDashboardLinkBuilder("What to do").Type(dashboard.DashboardLinkTypeLink).Url(docs + p.page).TargetBlank(true),
	}
}
