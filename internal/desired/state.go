// Package desired is the pure middle of the operator: from what was read (Inputs) to every object that shall exist
// (Plan). One file builds one component; names and labels have one place each. It holds no client, clock, randomness,
// environment or logger, and never changes its arguments.
package desired

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// Images are the container images of components whose spec names none.
type Images struct {
	Server, Redis, OpenSearch string
}

// PodSecurity says who chooses the users that containers run as.
type PodSecurity string

// Values of PodSecurity.
const (
	// PodSecurityFixedIDs sets the user, group and fsGroup that each image is made for.
	PodSecurityFixedIDs PodSecurity = "fixed-ids"
	// PodSecurityPlatform sets none of them: the platform does, as OpenShift's security context constraints do, which
	// refuse pods that name others than their namespace's.
	PodSecurityPlatform PodSecurity = "platform"
)

// OperatorOptions are what the operator's flags say for all RAGServices.
type OperatorOptions struct {
	// ID tells the operator from others in the cluster: "<namespace>.<name>" of its lease, a value for a label.
	ID     string
	Images Images
	// Namespace is the operator's own. Its pods may reach the servers' admin port. Empty for an operator outside the cluster.
	Namespace string
	// PodSecurity is PodSecurityFixedIDs when empty.
	PodSecurity PodSecurity
	// StorageClass is that of new volumes where the spec names none; empty for the cluster's default.
	StorageClass string
	// ImagePullSecrets are names of Secrets with credentials of registries, in the namespace of each RAGService. They are used
	// beside those of spec.imagePullSecrets.
	ImagePullSecrets []string
}

// Inputs is all that a Plan depends on: the RAGService and what was read or drawn for it.
type Inputs struct {
	Service  *v1alpha1.RAGService
	Operator OperatorOptions
	// Served are those of CustomKinds that the API server serves.
	Served []schema.GroupVersionKind
	// Children are the objects that exist.
	Children
	// Secrets says what became of the references of the spec.
	Secrets SecretFacts
}

// SecretFacts is what was found of Secrets. It holds no secret but the candidates for those that do not exist yet.
type SecretFacts struct {
	// Problems are references that do not resolve, in the order of the spec. While one withholds the server, its objects are
	// only repaired: nothing half-made, and what runs goes on.
	Problems []SecretProblem
	// ReceiverProblems are such references of spec.alerts.receivers. They withhold nothing.
	ReceiverProblems []SecretProblem
	// Certificates are the bundles of certificates that servers trust, in the order of the spec, and those that an Ingress and a managed
	// Redis show.
	Certificates []Certificates
	// AwaitedCertificate is the Secret of an Ingress that cert-manager has yet to make; empty when there is none.
	AwaitedCertificate string
	// RollHashes are HMACs of the referenced entries, by component; a change rolls that component's pods.
	RollHashes map[Component]string
	// Controlled says of each generated Secret that exists whether the RAGService owns it.
	Controlled map[string]bool
	// Candidates are Secrets that do not exist yet, with drawn contents, to be created and, but for Rotations, never updated.
	Candidates []GeneratedSecret
	// Rotations are new contents for generated Secrets, where somebody asks for them, or a certificate ends soon.
	Rotations []RotateSecret
}

// Certificates is an entry of a Secret with certificates, of which the last expires at a time.
type Certificates struct {
	// Field is the path in the spec: spec.models.llm.caSecretRef.
	Field, Secret, Key string
	Expires            time.Time
	// Shown says that the Ingress shows it to callers.
	Shown bool
	// Renews is when the operator makes new ones; zero for those that come from elsewhere.
	Renews time.Time
}

// FieldOfGenerated is where the names of generated Secrets come from.
const FieldOfGenerated = "metadata.name"

// SecretProblem is a reference that does not resolve.
type SecretProblem struct {
	// Field is the path in the spec: spec.models.llm.apiKeySecretRef; FieldOfGenerated for a Secret that the operator generates.
	Field string
	// Secret and Key are what it names; Key is empty when the Secret itself is missing or a whole Secret is meant.
	Secret, Key string
	// Reason is SecretNotFound, SecretKeyNotFound or SecretInvalid; NameConflict for a Secret of the name of a generated
	// one that is not ours; KeyRefused and CertificateUnusable for what servers can do without.
	Reason string
	// Detail says of an entry that is no caller's key what it must be, of a certificate of an Ingress why it is of no use.
	Detail string
	// Stores are the components besides the server that use the Secret; they are withheld too.
	Stores []Component
}

// Withholds says that the server cannot run as the spec asks while the problem lasts.
func (p SecretProblem) Withholds() bool {
	return p.Reason != v1alpha1.ReasonKeyRefused && p.Reason != v1alpha1.ReasonCertificateUnusable
}

// GeneratedSecret is a Secret that the operator draws once.
type GeneratedSecret struct {
	Name string
	Data map[string][]byte
	// GoesWithService says that the RAGService owns it; Build decides that.
	GoesWithService bool
	// Users are the components whose pods depend on it. They are not written while it cannot be made.
	Users []Component
}

// Object is one object that shall exist.
type Object struct {
	Component Component
	// Config is the apply configuration; it has kind, name, namespace, labels and owner reference.
	Config runtime.ApplyConfiguration
	// GVK and Key are the kind and the name of Config.
	GVK schema.GroupVersionKind
	Key types.NamespacedName
}

// IsWorkload says that the object makes pods, which read the objects written before it.
func (o Object) IsWorkload() bool { return o.GVK.Group == appsv1.GroupName }

// ComponentPlan is one component as it shall be.
type ComponentPlan struct {
	Name Component
	// First are steps on what exists before the objects are written. The workload waits for them.
	First []Action
	// Objects in the order in which they are written: the workload after all that its pods read.
	Objects []Object
	// Removal is the StatefulSet that has to go before the workload can be written; nil when none has to.
	Removal *DeleteStatefulSet
	// Stays says that it is not wanted any more, and that what exists of it is not deleted yet: servers use it.
	Stays bool
	// Kept is the volume claim that is left of it when it is not wanted any more; empty when none is.
	Kept string
	// Members is how many nodes of OpenSearch its cluster counts on: others may be on their way to it.
	Members int32
	// Leaving is how many nodes of OpenSearch are to go when they are empty; their cluster has said that it knows when Told. Emptied are the
	// volume claims of those that went.
	Leaving int
	Told    bool
	Emptied []string
	// Missing are kinds of which the spec asks for an object, and that the API server does not serve.
	Missing []MissingKind
	// Actions are steps on what exists of it, after the objects are written. They are taken while it is withheld too.
	Actions []Action
}

// Plan is every object that shall exist, and what status needs to know of it.
type Plan struct {
	// Generated are Secrets to create when absent; they are never updated and never pruned.
	Generated []GeneratedSecret
	// Components in the order in which they are written.
	Components []ComponentPlan
	// Actions are steps on what exists and belongs to no component.
	Actions []Action
	// Withheld are components that are not written in this pass because of SecretFacts.Problems. What runs of them stays as it was
	// written last.
	Withheld []Component
	// ConfigHash is the hash of the server's configuration.
	ConfigHash string
	// Replicas is the wanted number of server pods; with an autoscaler, that which it chose last.
	Replicas int32
	// Selector finds the server pods.
	Selector string
	// Endpoint is the address of the server inside the cluster.
	Endpoint string
}

// Component is the plan of one; zero when there is none.
func (p Plan) Component(name Component) ComponentPlan {
	if i := slices.IndexFunc(p.Components, func(c ComponentPlan) bool { return c.Name == name }); i >= 0 {
		return p.Components[i]
	}
	return ComponentPlan{}
}

// Objects are those of all components.
func (p Plan) Objects() []Object {
	var all []Object
	for _, c := range p.Components {
		all = append(all, c.Objects...)
	}
	return all
}

// AllActions are those of all components, then the others.
func (p Plan) AllActions() []Action {
	var all []Action
	for _, c := range p.Components {
		all = append(all, c.Actions...)
	}
	return append(all, p.Actions...)
}
