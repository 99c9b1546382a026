package desired

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// RuleKind is the kind by which Prometheus Operator knows rules.
var RuleKind = schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "PrometheusRule"}

// rulesFile is the entry of the ConfigMap of rules.
const rulesFile = "rules.yaml"

// PrometheusRuleName is the name of the PrometheusRule of a service, RulesConfigMapName that of the ConfigMap in its place.
func PrometheusRuleName(service string) string { return service + "-alerts" }

// RulesConfigMapName is the name of the ConfigMap with the rules, for a Prometheus that takes files.
func RulesConfigMapName(service string) string { return service + "-alert-rules" }

// alertRules are the rules of spec.alerts: a PrometheusRule where the API server serves that kind, else the same in a ConfigMap. Without alerts
// there is none.
func (b build) alertRules(p part) ([]Object, error) {
	rules := alerts.Rules(p.service)
	if len(rules.Groups) == 0 {
		return nil, nil
	}
	labels := givenLabels(p.service.Spec.Monitoring.PrometheusRule.Labels)
	if NeedsKind(p.service, RuleKind) && slices.Contains(b.Served, RuleKind) {
		return []Object{object(p, newCustom(RuleKind, PrometheusRuleName(p.service.Name), p.namespace(), rules).WithLabels(labels))}, nil
	}
	file, err := yaml.Marshal(rules)
	if err != nil {
		return nil, err
	}
	return []Object{object(p, corev1ac.ConfigMap(RulesConfigMapName(p.service.Name), p.namespace()).
		WithLabels(labels).
		WithData(map[string]string{rulesFile: string(file)}))}, nil
}

func givenLabels(given map[string]v1alpha1.LabelValue) map[string]string {
	labels := map[string]string{}
	for key, value := range given {
		labels[key] = string(value)
	}
	return labels
}
