package status

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// readyNeeds are the conditions that Ready is made of, in the order in which they speak.
var readyNeeds = []string{
	v1alpha1.ConditionSecretsResolved,
	v1alpha1.ConditionOpenSearchReady,
	v1alpha1.ConditionServerReady,
	v1alpha1.ConditionConfigApplied,
	v1alpha1.ConditionModelsReady,
}

// judgeReady judges Ready. Of a service that is suspended its status says whether it answers, its reason that nothing is done about it.
func judgeReady(p Pass, found map[string]finding) finding {
	if !p.Service.DeletionTimestamp.IsZero() {
		return no(v1alpha1.ReasonDeleting, "the RAGService is being deleted")
	}
	f := composeReady(p, found)
	if p.suspended() {
		return finding{status: f.status, reason: v1alpha1.ReasonSuspended, message: sentence("spec.suspend is true, so nothing is written: %s", f.message)}
	}
	return f
}

// composeReady composes Ready. What is broken speaks before what is only on its way.
func composeReady(p Pass, found map[string]finding) finding {
	if f, failed := p.terminalFault(""); failed {
		return no(f.Reason, "%s", f.Message)
	}
	unmet := p.unmetNeeds(found)
	for _, f := range unmet {
		if f.status == metav1.ConditionFalse && isProblem(f.reason) {
			return no(f.reason, "%s", f.message)
		}
	}
	if f, failed := p.failedAnew(); failed {
		return f
	}
	for _, status := range []metav1.ConditionStatus{metav1.ConditionFalse, metav1.ConditionUnknown} {
		for _, f := range unmet {
			if f.status == status {
				return finding{status: status, reason: f.reason, message: f.message}
			}
		}
	}
	redis := found[v1alpha1.ConditionRedisReady]
	switch {
	case redis.status != metav1.ConditionTrue && redis.reason != v1alpha1.ReasonWarmingUp:
		return yes(v1alpha1.ReasonDegraded, "the service answers, but slower, and limits hold for each server alone: %s", redis.message)
	case found[v1alpha1.ConditionModelsReady].status == metav1.ConditionFalse:
		return yes(v1alpha1.ReasonDegraded, "the service answers with sentences of its documents: %s", found[v1alpha1.ConditionModelsReady].message)
	case p.stopped():
		return yes(v1alpha1.ReasonNoReplicas, "spec.server.replicas is 0: the stores run, no server answers")
	default:
		return yes(v1alpha1.ReasonReady, "the service answers at %s", p.endpoint())
	}
}

// unmetNeeds are the findings that keep Ready from being True.
func (p Pass) unmetNeeds(found map[string]finding) []finding {
	var out []finding
	for _, need := range readyNeeds {
		f := found[need]
		switch {
		case f.status == metav1.ConditionTrue, isHarmless(f.reason):
		case need == v1alpha1.ConditionSecretsResolved && p.suspended():
			// Nothing waits to be written. What runs has the credentials it started with.
		case need == v1alpha1.ConditionModelsReady && f.status == metav1.ConditionUnknown:
			// Only requests tell whether a model answers, and requests come when the service is ready.
		case need == v1alpha1.ConditionModelsReady && p.Service.Spec.Models.LLM.OnUnavailable == v1alpha1.OnUnavailableExtract:
			// Questions are answered without it.
		case need == v1alpha1.ConditionServerReady && p.answers(f):
			// Servers that are missing are told by ServerReady; enough others answer.
		case need == v1alpha1.ConditionConfigApplied && f.reason == v1alpha1.ReasonPollFailed && p.wasReadyWithConfig():
			// That the operator cannot ask says nothing of those who can.
		case need == v1alpha1.ConditionConfigApplied && f.status == metav1.ConditionFalse && p.enoughServersRun():
			// Enough servers answer with the configuration; ConfigApplied tells of the others.
		case f.reason == v1alpha1.ReasonPropagating && p.previous(v1alpha1.ConditionReady).Status == metav1.ConditionTrue:
			// The service goes on answering while a change is on its way.
		default:
			out = append(out, f)
		}
	}
	return out
}

// answers says that enough servers take requests, though ServerReady is not True. An object of the server that cannot be
// written is another matter: what answers is not what the spec asks for.
func (p Pass) answers(server finding) bool {
	return p.Observed != nil && p.server().ReadyReplicas >= p.minAvailable() &&
		server.reason != v1alpha1.ReasonNameConflict && server.reason != v1alpha1.ReasonApplyFailed
}

// enoughServersRun says that enough ready servers run the configuration of this pass.
func (p Pass) enoughServersRun() bool {
	if _, failed := p.terminalFault(desired.ComponentServer); failed || p.State == nil || p.Observed == nil || p.withheld(desired.ComponentServer) {
		return false
	}
	return count(p.Observed.Poll.Reports, func(s telemetry.Statusz) bool { return s.ConfigHash == p.State.ConfigHash }) >= int(p.minAvailable())
}

// minAvailable is how many servers have to answer for the service to be Ready: not more than shall run, but one at least.
func (p Pass) minAvailable() int32 {
	return max(1, min(ptr.Deref(p.Service.Spec.Server.MinAvailable, 1), p.wanted(desired.ComponentServer, p.server())))
}

// wasReadyWithConfig says that the service was Ready with the configuration of this pass.
func (p Pass) wasReadyWithConfig() bool {
	return p.State != nil && p.sameConfig() && p.previous(v1alpha1.ConditionReady).Status == metav1.ConditionTrue
}

// failedAnew says that a step failed before this generation of the spec was brought about for the first time: what
// runs, if anything, is not what the spec asks for. Later failures leave Ready to what is seen of the parts;
// Reconciling tells them.
func (p Pass) failedAnew() (finding, bool) {
	if !p.newGeneration() {
		return finding{}, false
	}
	for _, f := range p.Faults {
		if !f.Terminal() && f.concernsReady() {
			return no(f.Reason, "%s", f.Message), true
		}
	}
	return finding{}, false
}

func (p Pass) newGeneration() bool {
	observed := p.Service.Status.ObservedGeneration
	return observed == nil || *observed != p.Service.Generation
}

func (p Pass) endpoint() string {
	if p.State != nil {
		return p.State.Endpoint
	}
	return p.Service.Status.Endpoint
}

// isProblem tells reasons that somebody should look at from those of a change that takes its course.
func isProblem(reason string) bool {
	switch reason {
	case v1alpha1.ReasonProgressing, v1alpha1.ReasonAwaitingSecrets, v1alpha1.ReasonPropagating, v1alpha1.ReasonDeleting, v1alpha1.ReasonLowHitRate,
		v1alpha1.ReasonReconcileFailed, v1alpha1.ReasonSuspended:
		return false
	}
	return true
}

// progressNeeds are the conditions that the operator itself works on.
var progressNeeds = []string{
	v1alpha1.ConditionSecretsResolved,
	v1alpha1.ConditionRedisReady,
	v1alpha1.ConditionOpenSearchReady,
	v1alpha1.ConditionServerReady,
	v1alpha1.ConditionConfigApplied,
}

// kstatus are the conditions that are present only when True, at most one of them: tools that wait read Stalled as
// failed, Reconciling as in progress, and Ready when there is neither.
func (p Pass) kstatus(found map[string]finding) []metav1.Condition {
	if !p.Service.DeletionTimestamp.IsZero() {
		return nil
	}
	if p.suspended() && len(p.Faults) == 0 {
		return nil // nothing is worked on or waited for
	}
	if f, stalled := p.stalled(found); stalled {
		return []metav1.Condition{p.condition(v1alpha1.ConditionStalled, f)}
	}
	if f, reconciling := p.reconciling(found); reconciling {
		return []metav1.Condition{p.condition(v1alpha1.ConditionReconciling, f)}
	}
	return nil
}

// stalled says that only a person can help: by changing the spec, a Secret or an object that is in the way.
func (p Pass) stalled(found map[string]finding) (finding, bool) {
	for _, f := range p.Faults {
		if f.Terminal() {
			return yes(f.Reason, "%s", f.Message), true
		}
	}
	if f := found[v1alpha1.ConditionSecretsResolved]; awaitsSecret(f) && p.secretGrace(found) == 0 {
		return yes(f.reason, "%s", f.message), true
	}
	if f := found[v1alpha1.ConditionConfigApplied]; f.reason == v1alpha1.ReasonConfigRejected {
		return yes(f.reason, "%s", f.message), true
	}
	return finding{}, false
}

// secretLimit is how long a Secret may be missing before that is a person's business: what makes it, such as an
// ExternalSecret of the same commit, may take its time.
const secretLimit = 2 * time.Minute

// secretGrace is how long a missing Secret is still waited for; 0 when none is, or for too long.
func (p Pass) secretGrace(found map[string]finding) time.Duration {
	f := found[v1alpha1.ConditionSecretsResolved]
	if f.reason != v1alpha1.ReasonSecretNotFound && f.reason != v1alpha1.ReasonSecretKeyNotFound {
		return 0
	}
	since := p.condition(v1alpha1.ConditionSecretsResolved, f).LastTransitionTime.Time
	return max(0, since.Add(secretLimit).Sub(p.Now))
}

// awaitsSecret says that something waits for a Secret. Nothing waits for a caller's key that is none.
func awaitsSecret(f finding) bool {
	return f.status == metav1.ConditionFalse && !isHarmless(f.reason)
}

func (p Pass) reconciling(found map[string]finding) (finding, bool) {
	for _, f := range p.Faults {
		return yes(f.Reason, "%s", f.Message), true
	}
	if f := found[v1alpha1.ConditionSecretsResolved]; awaitsSecret(f) {
		return yes(f.reason, "%s", f.message), true
	}
	for _, need := range progressNeeds {
		f := found[need]
		if f.reason == v1alpha1.ReasonPollFailed && p.wasReadyWithConfig() {
			continue // nothing is being changed
		}
		if f.status != metav1.ConditionTrue && !isHarmless(f.reason) || f.reason == v1alpha1.ReasonDraining {
			return yes(v1alpha1.ReasonProgressing, "%s: %s", need, f.message), true
		}
	}
	if p.Wrote {
		return yes(v1alpha1.ReasonProgressing, "changes were just written"), true
	}
	if c, rolling := p.rollout(); rolling {
		return yes(v1alpha1.ReasonProgressing, "pods of %s are being replaced", c), true
	}
	return finding{}, false
}
