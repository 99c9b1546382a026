package status

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

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
	if f := found[v1alpha1.ConditionSecretsResolved]; secretLacks(f) && p.secretGrace(found) == 0 {
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

// secretLacks says that something waits for a Secret. Nothing waits for a caller's key that is none.
func secretLacks(f finding) bool {
	return f.status == metav1.ConditionFalse && f.reason != v1alpha1.ReasonKeyRefused
}

func (p Pass) reconciling(found map[string]finding) (finding, bool) {
	for _, f := range p.Faults {
		return yes(f.Reason, "%s", f.Message), true
	}
	if f := found[v1alpha1.ConditionSecretsResolved]; secretLacks(f) {
		return yes(f.reason, "%s", f.message), true
	}
	for _, need := range progressNeeds {
		f := found[need]
		if f.reason == v1alpha1.ReasonPollFailed && p.wasReadyWithConfig() {
			continue // nothing is being changed
		}
		if f.status != metav1.ConditionTrue && f.reason != v1alpha1.ReasonKeyRefused {
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
