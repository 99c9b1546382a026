package status

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// secondsOfStatus is the precision with which a status keeps times.
const secondsOfStatus = time.Second

// afterWrite is when to look again after a pass that changed a child. The change's own event comes sooner, except for
// objects whose events bring no pass.
const afterWrite = 2 * time.Second

// rule judges one condition.
type rule struct {
	conditionType string
	judge         func(Pass) finding
}

// rules judge the conditions that Ready and kstatus are concluded from. They do not depend on each other, and their
// order is the order of status.conditions behind Ready.
var rules = []rule{
	{v1alpha1.ConditionSecretsResolved, judgeSecrets},
	{v1alpha1.ConditionRedisReady, judgeRedis},
	{v1alpha1.ConditionOpenSearchReady, judgeOpenSearch},
	{v1alpha1.ConditionModelsReady, judgeModels},
	{v1alpha1.ConditionServerReady, judgeServer},
	{v1alpha1.ConditionConfigApplied, judgeConfigApplied},
	{v1alpha1.ConditionCacheEffective, judgeCache},
	{v1alpha1.ConditionAlertsClear, judgeAlerts},
	{v1alpha1.ConditionSnapshotsReady, judgeSnapshots},
	{v1alpha1.ConditionMonitoringReady, judgeMonitoring},
	{v1alpha1.ConditionBudgetWithinLimit, judgeBudget},
}

// Evaluate judges a pass. Every condition is there in its answer, also for a pass that found nothing: that is the first
// status of a RAGService, which says that nobody has looked at it yet.
func Evaluate(p Pass) Verdict {
	found := make(map[string]finding, len(rules))
	judged := make([]metav1.Condition, 0, len(rules))
	for _, r := range rules {
		f := r.judge(p)
		if f.status == "" { // kept, and there is nothing of before to keep
			f = unknown(v1alpha1.ReasonProgressing, "the operator has not looked at this yet")
		}
		found[r.conditionType] = f
		judged = append(judged, p.condition(r.conditionType, f))
	}
	ready := judgeReady(p, found)
	conditions := append([]metav1.Condition{p.condition(v1alpha1.ConditionReady, ready)}, judged...)
	conditions = append(conditions, p.kstatus(found)...)

	next := p.facts()
	next.Conditions = conditions
	v := Verdict{Status: next, Events: append(p.transitions(conditions), p.alertEvents(next.Alerts)...)}
	_, v.Rolling = p.rollout()
	v.RecheckAfter = soonest(p.throttleNumbers(&v.Status), p.configDeadline(found))
	v.RecheckAfter = soonest(v.RecheckAfter, p.progressDeadline(found))
	v.RecheckAfter = soonest(v.RecheckAfter, p.secretGrace(found))
	v.RecheckAfter = soonest(v.RecheckAfter, p.certificateDeadline())
	v.RecheckAfter = soonest(v.RecheckAfter, p.snapshotDeadline())
	v.RecheckAfter = soonest(v.RecheckAfter, budgetDeadline(v.Status.Budgets, p.Now))
	if p.Observed != nil {
		v.RecheckAfter = soonest(v.RecheckAfter, p.Observed.RecheckAfter)
		v.RecheckAfter = soonest(v.RecheckAfter, p.storesConnecting())
	}
	if len(p.missingKinds()) > 0 {
		v.RecheckAfter = soonest(v.RecheckAfter, kindsAgain)
	}
	if p.Wrote {
		v.RecheckAfter = soonest(v.RecheckAfter, afterWrite)
	}
	return v
}

// facts is the status without its conditions.
func (p Pass) facts() v1alpha1.RAGServiceStatus {
	next := *p.Service.Status.DeepCopy()
	switch {
	case (p.State != nil || p.suspended()) && !p.unfinished():
		next.ObservedGeneration = new(p.Service.Generation)
	case next.ObservedGeneration == nil:
		next.ObservedGeneration = new(int64(-1))
	}
	if p.State != nil {
		next.Endpoint = p.State.Endpoint
		next.Selector = p.State.Selector
		if !p.withheld(desired.ComponentServer) {
			next.ConfigHash = p.State.ConfigHash
		}
	}
	if p.Observed != nil {
		next.Replicas, next.ReadyReplicas = p.serverReplicas()
		next.Diagnostics = diagnostics(p.Observed.Diagnostics)
		next.Cache = p.cacheFigures()
		next.Alerts, _ = p.alerts()
		next.Budgets = p.budgets()
		next.Snapshots = p.snapshots()
	}
	next.Notified = p.notified(next.Alerts)
	return next
}

// soonest is the smaller of two waits, of which 0 means none.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

// Pass is what one pass of the reconciler found. A pass that failed half-way leaves the later fields nil: what they
// would have told stays as it was.
type Pass struct {
	// Service is the RAGService with the status of before.
	Service *v1alpha1.RAGService
	// Secrets is what became of the references of the spec; nil when they could not be read.
	Secrets *desired.SecretFacts
	// State is what was written; nil when it could not be built, or nothing was ever written of a service that is suspended.
	State *desired.Plan
	// Observed is what the children look like; nil when they could not be read.
	Observed *Observed
	// Deliveries is what became of notices of alerts.
	Deliveries Deliveries
	// Faults are the steps that failed.
	Faults []Fault
	// Wrote says that this pass changed a child, so that Observed may be from before that.
	Wrote bool
	// NumbersWritten is when status.cache, status.alerts or status.budgets was last written; zero when not by this process.
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

// concernsReady says that the service is not as the spec asks for it while the step fails. Whether others can watch it is MonitoringReady's alone.
func (f Fault) concernsReady() bool { return f.Component != desired.ComponentMonitoring }

// Verdict is what Evaluate concludes.
type Verdict struct {
	// Status is the whole new status.
	Status v1alpha1.RAGServiceStatus
	// Events are the transitions worth telling, once Status is written.
	Events []Event
	// Rolling says that pods are being replaced.
	Rolling bool
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
	// Field of the RAGService that it tells of, where a pass may tell of several with the same reason; empty otherwise.
	Field string
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

// suspended says that nothing is written: State is what was written before.
func (p Pass) suspended() bool { return ptr.Deref(p.Service.Spec.Suspend, false) }

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
	return slices.ContainsFunc(p.Faults, func(f Fault) bool { return !f.Terminal() && f.concernsReady() })
}

// messageLimit bounds a message, in bytes: it has to fit into a column and an event.
const messageLimit = 255

// finding is what a rule says of its condition.
type finding struct {
	status  metav1.ConditionStatus
	reason  string
	message string
	// kept says that the condition could not be judged in this pass and stays as it was, with its observedGeneration.
	kept bool
	// restarts says that lastTransitionTime starts anew though the status is the same: another wait has begun.
	restarts bool
}

func yes(reason, format string, args ...any) finding {
	return finding{status: metav1.ConditionTrue, reason: reason, message: sentence(format, args...)}
}

func no(reason, format string, args ...any) finding {
	return finding{status: metav1.ConditionFalse, reason: reason, message: sentence(format, args...)}
}

func unknown(reason, message string) finding {
	return finding{status: metav1.ConditionUnknown, reason: reason, message: message}
}

// keep leaves a condition as it was.
func keep(previous metav1.Condition) finding {
	return finding{status: previous.Status, reason: previous.Reason, message: previous.Message, kept: true}
}

// sentence formats a message and cuts it at the limit, between two characters.
func sentence(format string, args ...any) string {
	s := strings.ToValidUTF8(fmt.Sprintf(format, args...), "")
	if len(s) <= messageLimit {
		return s
	}
	cut := messageLimit - len("...")
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}

// condition makes the condition of a finding. The time of its last transition is that of before unless the status
// changed.
func (p Pass) condition(conditionType string, f finding) metav1.Condition {
	before := p.previous(conditionType)
	c := metav1.Condition{
		Type:               conditionType,
		Status:             f.status,
		Reason:             f.reason,
		Message:            f.message,
		ObservedGeneration: p.Service.Generation,
		LastTransitionTime: before.LastTransitionTime,
	}
	if f.kept {
		c.ObservedGeneration = before.ObservedGeneration
	}
	if before.Status != f.status || f.restarts {
		c.LastTransitionTime = metav1.NewTime(p.Now.Truncate(secondsOfStatus))
	}
	return c
}
