package status_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// TestMonitoringSaysWhereRulesAre, and who tells their receivers; it stays as it was while nothing is known, and while nothing is written.
func TestMonitoringSaysWhereRulesAre(t *testing.T) {
	t.Parallel()
	wants := func(kinds ...schema.GroupVersionKind) change {
		return func(p *status.Pass) {
			var objects []desired.Object
			for _, kind := range kinds {
				objects = append(objects, desired.Object{GVK: kind, Key: client.ObjectKey{Name: p.Service.Name + "-alert-rules"}})
			}
			p.State.Components = []desired.ComponentPlan{{Name: desired.ComponentServer, Objects: objects}}
		}
	}
	disabled := func(p *status.Pass) { p.Service.Spec.Monitoring.ServiceMonitor.Mode = v1alpha1.MonitoringDisabled }
	file := schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}
	for name, test := range map[string]struct {
		changes []change
		want    string
	}{
		"all of Prometheus Operator": {
			[]change{receivers(mail), wants(desired.MonitorKind, desired.RuleKind, desired.ReceiversKind)},
			"Monitored: ; alert rules are in a PrometheusRule, receivers in an AlertmanagerConfig",
		},
		"no receivers":        {[]change{wants(desired.MonitorKind, desired.RuleKind)}, "Monitored: ; alert rules are in a PrometheusRule"},
		"no rules":            {[]change{wants(desired.MonitorKind)}, "Monitored: "},
		"a file":              {[]change{wants(file)}, "NotConfigured: ; alert rules are in ConfigMap papers-alert-rules"},
		"nothing":             {[]change{wants()}, "NotConfigured: "},
		"a file, by the spec": {[]change{disabled, wants(file)}, "NotConfigured: ; alert rules are in ConfigMap papers-alert-rules"},
		"it is suspended":     {[]change{before("NotConfigured"), suspended, disabled, wants(file)}, "NotConfigured: as it was"},
		"nothing is known": {
			[]change{before("NotConfigured"), disabled, func(p *status.Pass) { p.State = nil }}, "NotConfigured: as it was",
		},
	} {
		for _, c := range status.Evaluate(wellPass(test.changes...)).Status.Conditions {
			if c.Type != v1alpha1.ConditionMonitoringReady {
				continue
			}
			said := c.Message
			if i := strings.Index(said, "; alert rules"); i >= 0 {
				said = said[i:]
			} else if said != "as it was" {
				said = ""
			}
			if got := c.Reason + ": " + said; got != test.want {
				t.Errorf("%s: %q, want %q", name, got, test.want)
			}
		}
	}
}
