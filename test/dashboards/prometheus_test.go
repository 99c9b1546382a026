package dashboards

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/backends"
)

// scrapes gives targets the labels that the ServiceMonitor gives them, and the operator's those of one that somebody wrote for the chart's Service.
const scrapes = `
global: {scrape_interval: 1s}
scrape_configs:
- job_name: papers-metrics
  scrape_native_histograms: true
  always_scrape_classic_histograms: true
  static_configs:
  - {targets: ['%[1]s'], labels: {namespace: library, service: papers-metrics, pod: papers-server-7c9f-4xk2p, container: server}}
  - {targets: ['%[2]s'], labels: {namespace: library, service: papers-metrics, pod: papers-server-7c9f-m8vqz, container: server}}
- job_name: operator-metrics
  static_configs:
  - {targets: ['%[3]s'], labels: {namespace: ragservice-system, service: operator-metrics, pod: operator-0, container: manager, endpoint: metrics}}
`

// prometheusServer is a running Prometheus.
type prometheusServer struct{ url string }

func startPrometheus(t *testing.T, s *service) prometheusServer {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, fmt.Sprintf(scrapes, s.admins[0], s.admins[1], s.operatorMetrics), dir, "prometheus.yml")
	address := backends.Loopback(t)
	p := prometheusServer{"http://" + address}
	backends.Run(t, filepath.Join(dir, "log"), p.url+"/-/ready", backends.Tool(t, "prometheus"), "--config.file", filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", address)
	return p
}

// series is what a query found.
type series struct {
	labels map[string]string
	points []point
}

type point struct{ at, value float64 }

// over asks for a time, step by step; values that are no numbers are left out.
func (p prometheusServer) over(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]series, error) {
	return p.ask(ctx, "/api/v1/query_range", url.Values{
		"query": {expr}, "start": {unix(from)}, "end": {unix(to)}, "step": {fmt.Sprint(step.Seconds())},
	})
}

// at asks for one moment.
func (p prometheusServer) at(ctx context.Context, expr string, at time.Time) ([]series, error) {
	return p.ask(ctx, "/api/v1/query", url.Values{"query": {expr}, "time": {unix(at)}})
}

func unix(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

func (p prometheusServer) ask(ctx context.Context, path string, values url.Values) ([]series, error) {
	var answer struct {
		Result []struct {
			Metric map[string]string
			Values [][2]any
			Value  [2]any
		}
	}
	if err := p.get(ctx, path, values, &answer); err != nil {
		return nil, err
	}
	var found []series
	for _, r := range answer.Result {
		s := series{labels: r.Metric}
		for _, v := range append(r.Values, r.Value) {
			if text, is := v[1].(string); is {
				value, err := strconv.ParseFloat(text, 64)
				if err == nil && !math.IsNaN(value) && !math.IsInf(value, 0) {
					s.points = append(s.points, point{v[0].(float64), value})
				}
			}
		}
		if s.points != nil {
			found = append(found, s)
		}
	}
	return found, nil
}

// get reads the data of an answer of Prometheus.
func (p prometheusServer) get(ctx context.Context, path string, values url.Values, data any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path+"?"+values.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s: %s", path, answer.Error)
	}
	return json.Unmarshal(answer.Data, data)
}
