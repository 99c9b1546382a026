package status_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// TestEvents lists what is told of the transition between two passes.
func TestEvents(t *testing.T) {
	t.Parallel()
	crash := diagnosed(desired.ComponentServer, "p", "server", status.ReasonCrashLoopBackOff)
	redisDown := servers(func(s *telemetry.Statusz) { s.RedisCache = telemetry.DependencyDown })
	for _, c := range []struct {
		name          string
		before, after []change
		want          []string
	}{
		{"nothing happens", nil, nil, nil},
		{"traffic changes", nil, []change{servers(traffic(0, 9))}, nil},
		{"a server begins to fail", nil, []change{crash}, []string{"Normal ServerReady=PodFailing"}},
		{"a server recovers", []change{crash}, nil, []string{"Normal ServerReady=Available"}},
		{"all servers fail", nil, []change{crash, noServerAnswers}, []string{"Warning Ready=PodFailing", "Warning ServerReady=PodFailing"}},
		{"Redis is lost", nil, []change{redisDown}, []string{"Warning Ready=Degraded", "Warning RedisReady=StoreUnreachable"}},
		{"Redis is back", []change{redisDown}, nil, []string{"Normal Ready=Ready", "Normal RedisReady=Available"}},
		{"OpenSearch takes no documents", nil, []change{server(func(s *telemetry.Statusz) { s.OpenSearchBlocked = true })},
			[]string{"Warning OpenSearchReady=WritesBlocked"}},
		{"a configuration is on its way", nil, []change{wants(newHash)}, nil},
		{"a configuration has arrived", []change{servers(takesUp), wants(oldHash), func(p *status.Pass) { p.Service.Status.ConfigHash = newHash }}, nil,
			[]string{"Normal ConfigApplied=Applied"}},
		{"it starts", []change{neverSeen, noServerAnswers}, nil, []string{"Normal Ready=Ready", "Normal ConfigApplied=Applied"}},
		{"its autoscaler fails", nil, []change{notScaling}, []string{"Warning ServerReady=NotScaling"}},
		{"its autoscaler fails on", []change{notScaling}, []change{notScaling}, nil},
		{"it is suspended", nil, []change{suspended}, []string{"Normal Ready=Suspended"}},
		{"it stays suspended", []change{suspended}, []change{suspended}, nil},
		{"it fails while it is suspended", []change{suspended}, []change{suspended, crash, noServerAnswers},
			[]string{"Warning Ready=Suspended", "Warning ServerReady=PodFailing"}},
		{"it is resumed", []change{suspended}, nil, []string{"Normal Ready=Ready"}},
		{"a pod is replaced", nil, []change{unready(desired.ComponentServer)}, nil},
		{"Redis is moved", nil, []change{unready(desired.ComponentRedisCache)}, nil},
		{"the operator loses its network", nil, []change{nobodyAnswers}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := status.Evaluate(wellPass(c.before...)).Status
			p := wellPass(c.after...)
			p.Service.Status = before
			var got []string
			for _, e := range status.Evaluate(p).Events {
				got = append(got, e.Type+" "+e.Action+"="+e.Reason)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}
