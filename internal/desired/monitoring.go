package desired

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// MonitorKind is the kind by which Prometheus Operator knows what it scrapes.
var MonitorKind = schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "ServiceMonitor"}

// metricsPath is where servers answer a scrape, on the port metricsPortName.
const (
	metricsPath     = "/metrics"
	metricsPortName = "admin"
)

// MetricsServiceName is the name of the Service by which the metrics of the servers are found.
func MetricsServiceName(service string) string { return service + "-metrics" }

// monitoring is what others watch the servers by. It is a component of its own: that an object of it cannot be written keeps nothing from serving.
func monitoring(p part, b build) (ComponentPlan, error) {
	rules, err := b.alertRules(p)
	if err != nil {
		return ComponentPlan{}, err
	}
	return ComponentPlan{Objects: slices.Concat(b.scraping(p), rules, b.alertReceivers(p))}, nil
}

// scraping is what the metrics of the servers are found by: a ServiceMonitor where the API server serves that kind, else annotations.
func (b build) scraping(p part) []Object {
	service := metricsService(p)
	if !NeedsKind(p.service, MonitorKind) || !slices.Contains(b.Served, MonitorKind) {
		return []Object{object(p, service.WithAnnotations(map[string]string{
			"prometheus.io/scrape": "true", "prometheus.io/port": strconv.Itoa(int(AdminPort)), "prometheus.io/path": metricsPath,
		}))}
	}
	return []Object{object(p, service), object(p, newServiceMonitor(p, p.service.Spec.Monitoring.ServiceMonitor))}
}

// metricsService has no address of its own: each server is scraped, ready or not.
func metricsService(p part) *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service(MetricsServiceName(p.service.Name), p.namespace()).WithSpec(corev1ac.ServiceSpec().
		WithType(corev1.ServiceTypeClusterIP).
		WithIPFamilyPolicy(corev1.IPFamilyPolicyPreferDualStack).
		WithClusterIP(corev1.ClusterIPNone).
		WithPublishNotReadyAddresses(true).
		WithSelector(Selector(p.service.Name, ComponentServer)).
		WithPorts(servicePort(metricsPortName, AdminPort)))
}

// serviceMonitorSpec is what the operator sets of one
// (https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.ServiceMonitorSpec).
type serviceMonitorSpec struct {
	Selector  *metav1ac.LabelSelectorApplyConfiguration `json:"selector"`
	Endpoints []monitorEndpoint                         `json:"endpoints"`
	// ScrapeClassicHistograms keeps them where native ones are scraped: dashboards read them.
	ScrapeClassicHistograms bool `json:"scrapeClassicHistograms"`
}

type monitorEndpoint struct {
	Port     string `json:"port"`
	Path     string `json:"path"`
	Interval string `json:"interval,omitempty"`
	// Relabelings change the labels of the target.
	Relabelings []relabeling `json:"relabelings"`
}

type relabeling struct {
	Action string `json:"action"`
	Regex  string `json:"regex"`
}

// newServiceMonitor finds the Service of the metrics by its labels.
func newServiceMonitor(p part, given v1alpha1.ServiceMonitorSpec) *custom[serviceMonitorSpec] {
	return newCustom(MonitorKind, Name(p.service.Name, ComponentServer), p.namespace(), serviceMonitorSpec{
		Selector: metav1ac.LabelSelector().WithMatchLabels(p.selector()),
		Endpoints: []monitorEndpoint{{
			Port: metricsPortName, Path: metricsPath, Interval: string(given.Interval),
			// Prometheus Operator names the port in a label that metrics of ours have: theirs would be renamed to exported_endpoint.
			Relabelings: []relabeling{{Action: "labeldrop", Regex: "endpoint"}},
		}},
		ScrapeClassicHistograms: true,
	}).WithLabels(givenLabels(given.Labels))
}
