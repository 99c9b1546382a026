package status

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/observe/observed"
)

// Pass is what one pass of the reconciler found. A pass that failed half-way leaves the later fields nil: what they
// would have told stays as it was.
type Pass struct {
	// Service is the RAGService with the status of before.
	Service *v1alpha1.RAGService
	// Secrets is what became of the references of the spec; nil when they could not be read.
	Secrets *desired.SecretFacts
	// State is what was written; nil when it could not be built.
	State *desired.Plan
	// Observed is what the children look like; nil when they could not be read.
	Observed *observed.Observed
	// Faults are the steps that failed.
	Faults []Fault
	// Wrote says that this pass changed a child, so that Observed may be from before that.
	Wrote bool
	// NumbersWritten is when status.cache was last written; zero when not by this process.
	NumbersWritten time.Time
	// Now is the time of the pass.
	Now time.Time
}

// Fault is a step of a pass that failed.
type Fault struct {
	// Component is the part that the step was for; empty when it was for all of them.
	Component desired.Component
	// Reason is NameConflict or ApplyFailed, which wait for a person, or another one, which is tried again.
	Reason string
	// Message says what failed, for a person. It names no object whose name changes.
	Message string
}

// Terminal says that trying again does not help until a person has changed something.
func (f Fault) Terminal() bool {
	return f.Reason == v1alpha1.ReasonNameConflict || f.Reason == v1alpha1.ReasonApplyFailed
}

// Verdict is what Evaluate concludes.
type Verdict struct {
	// Status is the whole new status.
	Status v1alpha1.RAGServiceStatus
	// Events are the transitions worth telling, once Status is written.
	Events []Event
	// RecheckAfter is when time alone will change the verdict; 0 for never.
	RecheckAfter time.Duration
}

// Event is a transition worth telling.
type Event struct {
	// Type is Normal or Warning, as in core/v1.
	Type string
	// Reason is a reason of a condition, Action the type of that condition.
	Reason, Action string
	Message        string
}

// previous is the condition of the status of before, or a zero one.
func (p Pass) previous(conditionType string) metav1.Condition {
	for _, c := range p.Service.Status.Conditions {
		if c.Type == conditionType {
			return c
		}
	}
	return metav1.Condition{}
}

// polled says that the servers have been asked in the life of this process. Before, what only they know stays as it
// was, so that a restart of the operator changes nothing.
func (p Pass) polled() bool {
	return p.Observed != nil && !p.Observed.Poll.At.IsZero() && p.Observed.Poll.Asked > 0
}

// stopped says that the spec asks for no server.
func (p Pass) stopped() bool { return p.State != nil && p.State.Replicas == 0 }

// terminalFault finds a fault of one of the components that waits for a person. The component "" stands for all that
// belongs to no single one.
func (p Pass) terminalFault(components ...desired.Component) (Fault, bool) {
	for _, f := range p.Faults {
		if f.Terminal() && slices.Contains(components, f.Component) {
			return f, true
		}
	}
	return Fault{}, false
}

// unfinished says that a step failed that is tried again, so that this generation of the spec is not brought about yet.
func (p Pass) unfinished() bool {
	return slices.ContainsFunc(p.Faults, func(f Fault) bool { return !f.Terminal() })
}
