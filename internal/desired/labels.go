package desired

import (
	"k8s.io/apimachinery/pkg/labels"
)

// Labels of objects and pods.
const (
	LabelName      = "app.kubernetes.io/name"
	LabelInstance  = "app.kubernetes.io/instance"
	LabelComponent = "app.kubernetes.io/component"
	LabelPartOf    = "app.kubernetes.io/part-of"
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// LabelOperator is OperatorOptions.ID. Volume claims do without: their templates cannot be changed.
	LabelOperator = "ragservice.dev/operator"
)

// Values of labels that are the same for every RAGService.
const (
	// AppName is the value of LabelName and LabelPartOf.
	AppName = "ragservice"
	// ManagedBy is the value of LabelManagedBy; caches select by it.
	ManagedBy = "ragservice-operator"
)

// Labels are those of every object and pod of a component.
func Labels(service string, c Component) map[string]string {
	all := ServiceLabels(service)
	all[LabelComponent] = string(c)
	return all
}

// ServiceLabels are those of what belongs to a RAGService and to no component, such as a Secret that several use.
func ServiceLabels(service string) map[string]string {
	return map[string]string{
		LabelName:      AppName,
		LabelInstance:  service,
		LabelPartOf:    AppName,
		LabelManagedBy: ManagedBy,
	}
}

// Selector finds the pods of a component. Selectors of workloads cannot be changed, so these three labels stay for ever.
func Selector(service string, c Component) map[string]string {
	return map[string]string{
		LabelName:      AppName,
		LabelInstance:  service,
		LabelComponent: string(c),
	}
}

// selectorString is Selector as the scale subresource wants it.
func selectorString(service string, c Component) string {
	return labels.SelectorFromSet(Selector(service, c)).String()
}
