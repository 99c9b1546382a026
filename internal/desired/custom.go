package desired

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// CustomKinds are the kinds of custom resource definitions that a plan may hold. The API server need not serve them.
func CustomKinds() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{routeKind, MonitorKind, RuleKind, ReceiversKind}
}

// NeedsKind says that the spec asks for objects of a custom kind, or that they are made where the API server serves it.
func NeedsKind(rag *v1alpha1.RAGService, kind schema.GroupVersionKind) bool {
	switch kind {
	case routeKind:
		return rag.Spec.Server.Gateway != nil
	case MonitorKind:
		return rag.Spec.Monitoring.ServiceMonitor.Mode != v1alpha1.MonitoringDisabled
	case RuleKind:
		return rag.Spec.Monitoring.PrometheusRule.Mode != v1alpha1.MonitoringDisabled
	case ReceiversKind:
		return len(NeedsAlertmanager(rag)) > 0
	default:
		return false
	}
}

// CanDoWithout says that objects of a custom kind are made only where the API server serves it, and that the rest of a service does not wait
// for them elsewhere.
func CanDoWithout(kind schema.GroupVersionKind) bool {
	return kind == MonitorKind || kind == RuleKind || kind == ReceiversKind
}

// custom is the apply configuration of an object of another operator's kind, for which that operator publishes none that can be imported without
// the whole of it. S is what the operator sets of the spec.
type custom[S any] struct {
	metav1ac.TypeMetaApplyConfiguration `json:",inline"`
	Metadata                            metav1ac.ObjectMetaApplyConfiguration `json:"metadata"`
	Spec                                S                                     `json:"spec"`
}

func newCustom[S any](kind schema.GroupVersionKind, name, namespace string, spec S) *custom[S] {
	c := &custom[S]{Spec: spec}
	c.WithKind(kind.Kind).WithAPIVersion(kind.GroupVersion().String())
	c.Metadata.WithName(name).WithNamespace(namespace)
	return c
}

// IsApplyConfiguration says that c is one.
func (*custom[S]) IsApplyConfiguration() {}

// GetName returns the name of the object.
func (c *custom[S]) GetName() *string { return c.Metadata.Name }

// WithLabels adds labels, and replaces those of the same keys.
func (c *custom[S]) WithLabels(entries map[string]string) *custom[S] {
	c.Metadata.WithLabels(entries)
	return c
}

// WithAnnotations adds annotations, and replaces those of the same keys.
func (c *custom[S]) WithAnnotations(entries map[string]string) *custom[S] {
	c.Metadata.WithAnnotations(entries)
	return c
}

// WithOwnerReferences adds owners.
func (c *custom[S]) WithOwnerReferences(values ...*metav1ac.OwnerReferenceApplyConfiguration) *custom[S] {
	c.Metadata.WithOwnerReferences(values...)
	return c
}
