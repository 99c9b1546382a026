package backends

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/proc"
)

const collectorStart = 30 * time.Second

// Collector is an OpenTelemetry Collector (tools/collector) that writes the spans which it receives into a file.
type Collector struct {
	// GRPC and HTTP are host:port of its receivers of OTLP.
	GRPC, HTTP string

	tb   testing.TB
	file string
}

// CollectedSpan is a span as the collector has written it.
type CollectedSpan struct {
	TraceID, SpanID, ParentID, Name, Kind string
	// Attributes are as text, those of a list as JSON.
	Attributes map[string]string
	// Service are the attributes of the server.
	Service map[string]string
	Failed  bool
}

// NewCollector starts a collector on free loopback ports. It is gone when the test ends.
func NewCollector(tb testing.TB) *Collector {
	tb.Helper()
	program, err := proc.FindProgram("otel-collector")
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	c := &Collector{tb: tb, file: filepath.Join(dir, "spans.json")}
	for attempt := 0; ; attempt++ { // another process may take a port first
		c.GRPC, c.HTTP = fmt.Sprintf("127.0.0.1:%d", freePort(tb)), fmt.Sprintf("127.0.0.1:%d", freePort(tb))
		config := filepath.Join(dir, "collector.yaml")
		if err := os.WriteFile(config, fmt.Appendf(nil, collectorConfig, c.GRPC, c.HTTP, c.file), 0o600); err != nil {
			tb.Fatal(err)
		}
		p, err := proc.Start(filepath.Join(dir, "collector.log"), program, "--config", "file:"+config)
		if err != nil {
			tb.Fatal(err)
		}
		if c.listens(p) {
			tb.Cleanup(func() { p.End(syscall.SIGKILL, 0) })
			return c
		}
		tail := p.LogTail()
		if p.End(syscall.SIGKILL, 0); attempt == 2 {
			tb.Fatalf("the collector does not listen: %s", tail)
		}
	}
}

const collectorConfig = `
receivers:
  otlp: {protocols: {grpc: {endpoint: '%s'}, http: {endpoint: '%s'}}}
exporters:
  file: {path: '%s', flush_interval: 20ms}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    traces: {receivers: [otlp], exporters: [file]}
`

func (c *Collector) listens(p *proc.Process) bool {
	for deadline := time.Now().Add(collectorStart); !p.Ended() && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if accepts(c.GRPC) && accepts(c.HTTP) {
			return true
		}
	}
	return false
}

func accepts(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second) //nolint:noctx // bounded
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// Text is all that the collector has written.
func (c *Collector) Text() string {
	c.tb.Helper()
	raw, err := os.ReadFile(c.file)
	if err != nil {
		c.tb.Fatal(err)
	}
	return string(raw)
}

// Spans are those of all complete lines so far.
func (c *Collector) Spans() (all []CollectedSpan) {
	c.tb.Helper()
	lines := bufio.NewScanner(strings.NewReader(c.Text()))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var batch collectedBatch
		if json.Unmarshal(lines.Bytes(), &batch) != nil {
			continue // it is being written
		}
		for _, of := range batch.ResourceSpans {
			for _, scope := range of.ScopeSpans {
				for _, span := range scope.Spans {
					all = append(all, CollectedSpan{
						TraceID: span.TraceID, SpanID: span.SpanID, ParentID: span.ParentSpanID, Name: span.Name, Kind: spanKinds[span.Kind],
						Attributes: span.Attributes.asText(), Service: of.Resource.Attributes.asText(), Failed: span.Status.Code == 2,
					})
				}
			}
		}
	}
	return all
}

// Trace are the spans of a trace, and its tree: a line for each span, indented below its parent, those of one parent by name.
func (c *Collector) Trace(id string) (spans []CollectedSpan, tree string) {
	c.tb.Helper()
	spans = slices.DeleteFunc(c.Spans(), func(s CollectedSpan) bool { return s.TraceID != id })
	slices.SortStableFunc(spans, func(a, b CollectedSpan) int { return strings.Compare(a.Name, b.Name) })
	known := map[string]bool{}
	for _, s := range spans {
		known[s.SpanID] = true
	}
	var out strings.Builder
	var below func(parent string, indent string)
	below = func(parent, indent string) {
		for _, s := range spans {
			if s.ParentID == parent || parent == "" && !known[s.ParentID] {
				out.WriteString(indent + s.Name + "\n")
				below(s.SpanID, indent+"  ")
			}
		}
	}
	below("", "")
	return spans, out.String()
}

// spanKinds are OTLP's numbers.
var spanKinds = map[int]string{1: "internal", 2: "server", 3: "client"}

type collectedBatch struct {
	ResourceSpans []struct {
		Resource struct {
			Attributes collectedAttributes `json:"attributes"`
		} `json:"resource"`
		ScopeSpans []struct {
			Spans []struct {
				TraceID      string              `json:"traceId"`
				SpanID       string              `json:"spanId"`
				ParentSpanID string              `json:"parentSpanId"`
				Name         string              `json:"name"`
				Kind         int                 `json:"kind"`
				Attributes   collectedAttributes `json:"attributes"`
				Status       struct {
					Code int `json:"code"`
				} `json:"status"`
			} `json:"spans"`
		} `json:"scopeSpans"`
	} `json:"resourceSpans"`
}

type collectedAttributes []struct {
	Key   string                     `json:"key"`
	Value map[string]json.RawMessage `json:"value"`
}

func (a collectedAttributes) asText() map[string]string {
	out := map[string]string{}
	for _, attribute := range a {
		for _, value := range attribute.Value {
			out[attribute.Key] = string(bytes.Trim(value, `"`))
		}
	}
	return out
}
