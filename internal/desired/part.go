package desired

import (
	"slices"

	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// part is a component of a RAGService: what its objects have in common.
type part struct {
	service   *v1alpha1.RAGService
	component Component
	operator  OperatorOptions
}

func (p part) name() string                { return Name(p.service.Name, p.component) }
func (p part) namespace() string           { return p.service.Namespace }
func (p part) labels() map[string]string   { return Labels(p.service.Name, p.component) }
func (p part) selector() map[string]string { return Selector(p.service.Name, p.component) }

// operatedLabels are labels with the operator's own.
func (p part) operatedLabels() map[string]string {
	labels := p.labels()
	labels[LabelOperator] = p.operator.ID
	return labels
}

// metadata is what the spec adds to the pods of p and to their ServiceAccount.
func (p part) metadata() (pods v1alpha1.PodMetadata, account v1alpha1.ObjectAnnotations) {
	spec := p.service.Spec
	switch {
	case p.component == ComponentSnapshots: // the identity of the servers is not theirs
		return spec.Server.PodMetadata, nil
	case p.component == ComponentServer:
		return spec.Server.PodMetadata, spec.Server.ServiceAccountAnnotations
	case p.component == ComponentOpenSearch && spec.OpenSearch.Managed != nil:
		return spec.OpenSearch.Managed.PodMetadata, spec.OpenSearch.Managed.ServiceAccountAnnotations
	case p.component != ComponentOpenSearch && spec.Redis.Managed != nil:
		return spec.Redis.Managed.PodMetadata, spec.Redis.Managed.ServiceAccountAnnotations
	}
	return v1alpha1.PodMetadata{}, nil
}

// podTemplate is that of p's pods, which roll when an annotation of rollOn changes. What the spec adds comes first: the operator's
// own labels and annotations replace others of their names.
func podTemplate(p part, rollOn map[string]string, pod *corev1ac.PodSpecApplyConfiguration) *corev1ac.PodTemplateSpecApplyConfiguration {
	given, _ := p.metadata()
	labels := map[string]string{}
	for key, value := range given.Labels {
		labels[key] = string(value)
	}
	return corev1ac.PodTemplateSpec().
		WithLabels(labels).
		WithLabels(p.operatedLabels()).
		WithAnnotations(given.Annotations).
		WithAnnotations(rollOn).
		WithSpec(pod)
}

// child is an apply configuration of any kind.
type child[T any] interface {
	WithLabels(entries map[string]string) T
	WithAnnotations(entries map[string]string) T
	WithOwnerReferences(values ...*metav1ac.OwnerReferenceApplyConfiguration) T
	GetAPIVersion() *string
	GetKind() *string
	GetName() *string
	IsApplyConfiguration()
}

// object completes config with what every child carries.
func object[T child[T]](p part, config T) Object {
	config = config.WithLabels(p.operatedLabels()).
		WithAnnotations(map[string]string{AnnotationServiceUID: string(p.service.UID)}).
		WithOwnerReferences(owner(p.service))
	return Object{
		Component: p.component,
		Config:    config,
		GVK:       schema.FromAPIVersionAndKind(*config.GetAPIVersion(), *config.GetKind()),
		Key:       types.NamespacedName{Namespace: p.namespace(), Name: *config.GetName()},
	}
}

// owner makes an object go when the RAGService goes.
func owner(rag *v1alpha1.RAGService) *metav1ac.OwnerReferenceApplyConfiguration {
	return metav1ac.OwnerReference().
		WithAPIVersion(v1alpha1.GroupVersion.String()).
		WithKind(Kind).
		WithName(rag.Name).
		WithUID(rag.UID).
		WithController(true).
		WithBlockOwnerDeletion(true)
}

// serviceAccount is the identity of a component's pods. It may do nothing, and its token is not mounted. Pods get their pull secrets
// from it when they are made, so that another list of them restarts no pod.
func serviceAccount(p part) *corev1ac.ServiceAccountApplyConfiguration {
	_, annotations := p.metadata()
	account := corev1ac.ServiceAccount(p.name(), p.namespace()).
		WithAnnotations(annotations).
		WithAutomountServiceAccountToken(false)
	for _, name := range imagePullSecrets(p) {
		account.WithImagePullSecrets(corev1ac.LocalObjectReference().WithName(name))
	}
	return account
}

// imagePullSecrets are the names of the spec, then those of the operator's flags that are not among them.
func imagePullSecrets(p part) []string {
	var names []string
	for _, reference := range p.service.Spec.ImagePullSecrets {
		names = append(names, reference.Name)
	}
	for _, name := range p.operator.ImagePullSecrets {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// podDisruptionBudget lets a drain take one pod at a time, and always one that is not ready anyway. A component of one
// pod may be drained too: blocking the node would help nobody.
func podDisruptionBudget(p part) *policyv1ac.PodDisruptionBudgetApplyConfiguration {
	return policyv1ac.PodDisruptionBudget(p.name(), p.namespace()).
		WithSpec(policyv1ac.PodDisruptionBudgetSpec().
			WithMaxUnavailable(intstr.FromInt32(1)).
			WithUnhealthyPodEvictionPolicy(policyv1.AlwaysAllow).
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(p.selector())))
}

func configMap(p part, files map[string]string, hash string) *corev1ac.ConfigMapApplyConfiguration {
	return corev1ac.ConfigMap(p.name(), p.namespace()).
		WithAnnotations(map[string]string{AnnotationConfigHash: hash}).
		WithData(files)
}
