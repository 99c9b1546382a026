package dashboards

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Measures of a picture, in pixels: a dashboard has 24 columns.
const (
	column, line = 50, 30
	gap          = 6
	headHeight   = 50
	textWidth    = 6.4 // of a small letter, about
)

// palette is for series that no word gives a colour.
var palette = []string{"#73bf69", "#f2cc0c", "#8ab8ff", "#ff9830", "#f2495c", "#5794f2", "#b877d9", "#37872d", "#c4162a", "#fade2a", "#56a64b", "#a352cc"}

// named are Grafana's names of colours.
var named = map[string]string{
	"green": "#73bf69", "yellow": "#f2cc0c", "red": "#f2495c", "blue": "#5794f2", "orange": "#ff9830", "purple": "#b877d9", "dark-red": "#c4162a",
}

// worded are series that have a colour of their own (dashboards/panel.go has them too).
var worded = []struct{ names, color string }{
	{"^(ok|hit|HIT|admitted|answered|created|2xx|success)$", "green"}, {"^(miss|MISS|updated|4xx|shadowed)$", "orange"},
	{"^(stale|STALE|degraded)$", "yellow"}, {"^(error|refused|failed|5xx|timeout|unreachable)$", "red"},
	{"^(BYPASS|unchanged|3xx|canceled)$", "#8a8f98"}, {"^(cache|search|input|p50|received)$", "blue"},
	{"^(state|llm|output|p95|sent)$", "purple"}, {"^(p99)$", "dark-red"},
}

// picture is an SVG that grows.
type picture struct {
	bytes.Buffer
	window
}

// curve is a series as it is drawn.
type curve struct {
	name, color string
	points      []point
}

// draw makes a picture of a dashboard: the panels where Grafana puts them, with what Prometheus answered.
func draw(title string, panels []shown, w window) []byte {
	rows := 0
	for _, p := range panels {
		rows = max(rows, p.GridPos.Y+p.GridPos.H)
	}
	width, height := 24*column, headHeight+rows*line+gap
	s := &picture{window: w}
	s.put(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="Helvetica,Arial,sans-serif" font-size="11">`,
		width, height, width, height)
	s.put(`<rect width="100%%" height="100%%" fill="#111217"/>`)
	s.text(14, 31, "start", "#d8d9da", `font-size="18"`, title)
	s.text(float64(width-14), 31, "end", "#8e8e8e", "", fmt.Sprintf("namespace %s, RAGService %s, %s of load", namespace, name, w.to.Sub(w.from).Round(time.Second)))
	for _, p := range panels {
		s.panel(p)
	}
	s.put(`</svg>`)
	return s.Bytes()
}

func (s *picture) put(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

func (s *picture) text(x, y float64, anchor, color, more, text string) {
	s.put(`<text x="%.0f" y="%.0f" text-anchor="%s" fill="%s" %s>%s</text>`, x, y, anchor, color, more, html.EscapeString(text))
}

// box is the inside of a panel.
type box struct{ x, y, w, h float64 }

func (s *picture) panel(p shown) {
	b := box{float64(p.GridPos.X*column + gap/2), float64(headHeight + p.GridPos.Y*line + gap/2), float64(p.GridPos.W*column - gap), float64(p.GridPos.H*line - gap)}
	if p.Type == "row" {
		s.text(b.x+6, b.y+17, "start", "#d8d9da", `font-size="14"`, p.Title)
		return
	}
	s.put(`<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="2" fill="#181b1f" stroke="#2c2f35"/>`, b.x, b.y, b.w, b.h)
	s.text(b.x+8, b.y+17, "start", "#ccccdc", `font-size="12" font-weight="600"`, p.Title)
	curves := p.curves()
	inside := box{b.x + 8, b.y + 26, b.w - 16, b.h - 32}
	switch p.Type {
	case "stat":
		s.number(p, curves, inside)
	case "state-timeline":
		s.states(p, curves, inside)
	default:
		s.graph(p, curves, inside)
	}
}

// curves are the series of all queries, by name.
func (p shown) curves() []curve {
	var all []curve
	label := regexp.MustCompile(`{{(\w+)}}`)
	for i, found := range p.found {
		for _, one := range found {
			name := label.ReplaceAllStringFunc(p.Targets[i].LegendFormat, func(l string) string { return one.labels[strings.Trim(l, "{}")] })
			all = append(all, curve{name: cmp.Or(strings.TrimSpace(name), "(none)"), points: one.points})
		}
	}
	slices.SortStableFunc(all, func(a, b curve) int { return cmp.Compare(a.name, b.name) })
	for i := range all {
		all[i].color = palette[i%len(palette)]
		for _, w := range worded {
			if regexp.MustCompile(w.names).MatchString(all[i].name) {
				all[i].color = cmp.Or(named[w.color], w.color)
			}
		}
	}
	return all
}

// colorOf is the colour and the word that thresholds and mappings have for a value.
func (p shown) colorOf(value float64) (color, word string) {
	for _, step := range p.FieldConfig.Defaults.Thresholds.Steps {
		if step.Value == nil || value >= *step.Value {
			color = cmp.Or(named[step.Color], step.Color)
		}
	}
	word = amount(value, p.FieldConfig.Defaults.Unit)
	for _, m := range p.FieldConfig.Defaults.Mappings {
		if o, is := m.Options[strconv.FormatFloat(value, 'f', -1, 64)]; is {
			color, word = cmp.Or(named[o.Color], o.Color), o.Text
		}
	}
	return color, word
}

func (s *picture) number(p shown, curves []curve, b box) {
	if len(curves) == 0 {
		s.text(b.x+b.w/2, b.y+b.h/2, "middle", "#8e8e8e", "", "no data")
		return
	}
	points := curves[0].points
	color, word := p.colorOf(points[len(points)-1].value)
	if len(points) > 1 {
		top := highest(curves)
		s.area(points, make([]float64, len(points)), box{b.x, b.y + b.h*0.55, b.w, b.h * 0.45}, top, color, 0.2)
	}
	s.text(b.x+b.w/2, b.y+b.h*0.4, "middle", color, `font-size="30" font-weight="600"`, word)
}

func highest(curves []curve) float64 {
	top := 0.0
	for _, c := range curves {
		for _, p := range c.points {
			top = max(top, p.value)
		}
	}
	return cmp.Or(top, 1)
}

func (s *picture) x(at float64, b box) float64 {
	from, to := float64(s.from.UnixMilli())/1000, float64(s.to.UnixMilli())/1000
	return b.x + b.w*(at-from)/(to-from)
}

// area is a curve above others, which reach up to below.
func (s *picture) area(points []point, below []float64, b box, top float64, color string, opacity float64) {
	var upper, lower []string
	for i, p := range points {
		x := s.x(p.at, b)
		upper = append(upper, fmt.Sprintf("%.0f,%.1f", x, b.y+b.h*(1-min(1, (p.value+below[i])/top))))
		lower = append(lower, fmt.Sprintf("%.0f,%.1f", x, b.y+b.h*(1-min(1, below[i]/top))))
	}
	slices.Reverse(lower)
	s.put(`<polygon points="%s %s" fill="%s" fill-opacity="%.2f"/>`, strings.Join(upper, " "), strings.Join(lower, " "), color, opacity)
	s.put(`<polyline points="%s" fill="none" stroke="%s" stroke-width="1.3"/>`, strings.Join(upper, " "), color)
}

func (s *picture) graph(p shown, curves []curve, b box) {
	legend := s.legend(curves, b)
	plot := box{b.x + 52, b.y + 4, b.w - 58, b.h - legend - 22}
	stacked := p.FieldConfig.Defaults.Custom.Stacking.Mode == "normal"
	sums := map[float64]float64{}
	top := highest(curves)
	if stacked {
		for _, c := range curves {
			for _, q := range c.points {
				sums[q.at] += q.value
				top = max(top, sums[q.at])
			}
		}
	}
	if p.FieldConfig.Defaults.Max != nil {
		top = *p.FieldConfig.Defaults.Max
	}
	top = s.axes(plot, top, p.FieldConfig.Defaults.Unit)
	for _, step := range p.FieldConfig.Defaults.Thresholds.Steps {
		if step.Value != nil && *step.Value <= top {
			y := plot.y + plot.h*(1-*step.Value/top)
			s.put(`<line x1="%.0f" y1="%.1f" x2="%.0f" y2="%.1f" stroke="%s" stroke-dasharray="6 4"/>`, plot.x, y, plot.x+plot.w, y, cmp.Or(named[step.Color], step.Color))
		}
	}
	base := map[float64]float64{}
	for _, c := range curves {
		below, opacity := make([]float64, len(c.points)), 0.08
		if stacked {
			opacity = 0.6
			for i, q := range c.points {
				below[i] = base[q.at]
				base[q.at] += q.value
			}
		}
		s.area(c.points, below, plot, top, c.color, opacity)
	}
}

// axes draws the grid, and returns the value of its upper edge.
func (s *picture) axes(b box, top float64, unit string) float64 {
	rough := top / 4
	scale := math.Pow(10, math.Floor(math.Log10(rough)))
	if unit == "bytes" {
		scale = math.Pow(2, math.Floor(math.Log2(rough)))
	}
	step := scale
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if step = m * scale; step >= rough*0.999 {
			break
		}
	}
	upper := math.Ceil(top/step*0.999) * step
	for v := 0.0; v <= upper*1.001; v += step {
		y := b.y + b.h*(1-v/upper)
		s.put(`<line x1="%.0f" y1="%.1f" x2="%.0f" y2="%.1f" stroke="#2c2f35"/>`, b.x, y, b.x+b.w, y)
		s.text(b.x-5, y+4, "end", "#9fa7b3", `font-size="10"`, amount(v, unit))
	}
	for i := range 4 {
		at := s.from.Add(s.to.Sub(s.from) * time.Duration(i) / 4)
		s.text(b.x+b.w*float64(i)/4, b.y+b.h+13, "start", "#9fa7b3", `font-size="10"`, at.Format("15:04:05"))
	}
	return upper
}

// legend names the curves below the plot, in as many lines as they need, of three at most, and returns its height.
func (s *picture) legend(curves []curve, b box) float64 {
	type entry struct {
		curve
		x    float64
		line int
	}
	var entries []entry
	x, row := 0.0, 0
	for _, c := range curves {
		width := 18 + textWidth*float64(len(c.name)) + 8
		if x > 0 && x+width > b.w {
			x, row = 0, row+1
		}
		if row == 3 {
			break
		}
		entries = append(entries, entry{c, x, row})
		x += width
	}
	height := float64(min(row, 2)+1) * 14
	for _, e := range entries {
		y := b.y + b.h - height + float64(e.line)*14 + 8
		s.put(`<rect x="%.0f" y="%.0f" width="12" height="4" rx="2" fill="%s"/>`, b.x+e.x, y-2, e.color)
		s.text(b.x+e.x+16, y+3, "start", "#ccccdc", "", e.name)
	}
	return height
}

func (s *picture) states(p shown, curves []curve, b box) {
	plot := box{b.x + 130, b.y, b.w - 136, b.h - 34}
	height := plot.h / float64(max(1, len(curves)))
	words := map[string]string{}
	for i, c := range curves {
		y := plot.y + float64(i)*height
		s.text(plot.x-8, y+height/2+4, "end", "#ccccdc", "", c.name)
		for j := 0; j < len(c.points); {
			first := c.points[j]
			for j < len(c.points) && c.points[j].value == first.value {
				j++
			}
			end := plot.x + plot.w
			if j < len(c.points) {
				end = s.x(c.points[j].at, plot)
			}
			color, word := p.colorOf(first.value)
			words[word] = color
			start := s.x(first.at, plot)
			s.put(`<rect x="%.0f" y="%.1f" width="%.0f" height="%.1f" fill="%s" fill-opacity="0.85"/>`, start, y+height*0.12, max(1, end-start), height*0.76, color)
		}
	}
	for i := range 4 {
		at := s.from.Add(s.to.Sub(s.from) * time.Duration(i) / 4)
		s.text(plot.x+plot.w*float64(i)/4, plot.y+plot.h+13, "start", "#9fa7b3", `font-size="10"`, at.Format("15:04:05"))
	}
	var legend []curve
	for word, color := range words {
		legend = append(legend, curve{name: word, color: color})
	}
	slices.SortFunc(legend, func(a, b curve) int { return cmp.Compare(a.name, b.name) })
	s.legend(legend, b)
}
