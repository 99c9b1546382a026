package apply

import (
	"context"
	"errors"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// FieldOwner is the manager of all fields that the operator writes.
const FieldOwner = client.FieldOwner("ragservice-operator")

// HandOffOwner is the manager of the number of a Deployment's pods between the operator and an autoscaler.
const HandOffOwner = FieldOwner + "-handoff"

// requestTimeout bounds each request. There is no retry here: the reconciler's queue has one, with backoff.
const requestTimeout = 10 * time.Second

// writtenSize is how many objects' last writes are remembered: those of a thousand RAGServices, a hundred bytes each.
const writtenSize = 32 << 10

// Applier writes children. Between two calls it remembers what it wrote last, which the cache may not show yet. It may be used by
// several goroutines.
type Applier struct {
	// client reads from the cache and writes to the API server.
	client client.Client
	live   client.Reader
	custom CustomKinds
	nodes  SearchNodes
	scheme *runtime.Scheme
	types  managedfields.TypeConverter
	// written are the last writes, by the UID of the object.
	written *lru.Cache
}

// SearchNodes tells the OpenSearch of a RAGService which of its nodes shall leave. After an error it may have been told in part.
type SearchNodes interface {
	SetLeaving(ctx context.Context, rag types.NamespacedName, told desired.SetLeaving) error
}

// New returns an Applier. c is the manager's client, whose cache holds what carries our labels; live asks the API server.
func New(c client.Client, live client.Reader, custom CustomKinds, nodes SearchNodes) *Applier {
	return &Applier{
		client: c, live: live, custom: custom, nodes: nodes, scheme: c.Scheme(), types: applyconfigurations.NewTypeConverter(c.Scheme()),
		written: lru.New(writtenSize),
	}
}

// Apply brings the cluster to plan, the objects that shall exist for rag. The error joins one Failure for each step
// that failed; Failures takes it apart. Call it only with a plan whose inputs could all be read: what plan lacks is
// deleted.
func (a *Applier) Apply(ctx context.Context, rag *v1alpha1.RAGService, plan desired.Plan) (ChangeSet, error) {
	p := &pass{Applier: a, rag: rag, held: slices.Clone(plan.Withheld)}
	p.createSecrets(ctx, plan.Generated)
	for _, c := range plan.Components {
		if c.Stays {
			p.staying = append(p.staying, c.Name)
		}
		if slices.Contains(p.held, c.Name) {
			p.repairComponent(ctx, c)
		} else {
			p.applyComponent(ctx, c)
		}
	}
	p.prune(ctx, plan.Objects())
	for _, action := range plan.AllActions() {
		p.act(ctx, action)
	}
	return p.changes, errors.Join(p.failures...)
}

// pass is one run of Apply.
type pass struct {
	*Applier
	rag *v1alpha1.RAGService
	// held are the components that stay as they were written last.
	held []desired.Component
	// staying are the components that are not wanted any more, and not deleted yet.
	staying []desired.Component
	// adopts says that the API server has shown the RAGService, and that it is not being deleted.
	adopts   bool
	changes  ChangeSet
	failures []error
}

// applyComponent writes objects in their order. The workload waits while another of them could not be written: its pods
// would start without their network policy, or with the old file under the hash of the new one; and while a StatefulSet has to go
// before it, or a first step failed.
func (p *pass) applyComponent(ctx context.Context, c desired.ComponentPlan) {
	failures := len(p.failures)
	for _, action := range c.First {
		p.act(ctx, action)
	}
	complete := c.Removal == nil && len(p.failures) == failures
	if c.Removal != nil {
		p.deleteAlone(ctx, *c.Removal)
	}
	for _, o := range c.Objects {
		if !o.IsWorkload() || complete {
			complete = p.applyObject(ctx, o) && complete
		}
	}
}

func (p *pass) fail(about Ref, err error) {
	if err != nil {
		p.failures = append(p.failures, &Failure{Ref: about, Err: err})
	}
}
