package status

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
	v := Verdict{Status: next, Events: p.transitions(conditions)}
	v.RecheckAfter = soonest(p.throttleNumbers(&v.Status), p.configDeadline(found))
	v.RecheckAfter = soonest(v.RecheckAfter, p.progressDeadline(found))
	v.RecheckAfter = soonest(v.RecheckAfter, p.secretGrace(found))
	if p.Observed != nil {
		v.RecheckAfter = soonest(v.RecheckAfter, p.Observed.RecheckAfter)
		v.RecheckAfter = soonest(v.RecheckAfter, p.storesConnecting())
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
	case p.State != nil && !p.unfinished():
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
	}
	return next
}

// soonest is the smaller of two waits, of which 0 means none.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}
