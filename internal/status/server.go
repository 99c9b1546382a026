package status

import (
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// judgeServer judges ServerReady.
func judgeServer(p Pass) finding {
	if p.Observed == nil {
		return keep(p.previous(v1alpha1.ConditionServerReady))
	}
	if f, ok := p.judgeParts(desired.ComponentServer); !ok {
		return p.whyUnready(f)
	}
	if p.stopped() {
		return yes(v1alpha1.ReasonNoReplicas, "spec.server.replicas is 0")
	}
	if missing := p.missingKinds(); len(missing) > 0 {
		kind := missing[0].Kind
		return no(v1alpha1.ReasonKindMissing, "%s has no effect: the API server serves no %s (%s). Install its definitions: the operator looks again every minute",
			missing[0].Field, kind.Kind, kind.GroupVersion())
	}
	if failed := p.Observed.Scaling; failed.Reason != "" {
		return p.notScaling(failed)
	}
	return yes(v1alpha1.ReasonAvailable, "all %d server pods are ready", p.wanted(desired.ComponentServer, p.server()))
}

// notScaling says that the number of servers does not follow their load. They answer, so ServerReady stays True.
func (p Pass) notScaling(failed ScalingFailure) finding {
	advice := ""
	if failed.Condition == string(autoscalingv2.ScalingActive) {
		advice = "check that a metrics server runs (kubectl top pod); "
	}
	return yes(v1alpha1.ReasonNotScaling, "all server pods are ready, but the autoscaler does not change their number (%s): %skubectl describe hpa -n %s %s",
		failed.Reason, advice, p.Service.Namespace, desired.Name(p.Service.Name, desired.ComponentServer))
}

// kindsAgain is when to look again for kinds that the API server does not serve: nothing tells when it begins to.
const kindsAgain = time.Minute

func (p Pass) missingKinds() []desired.MissingKind {
	if p.State == nil {
		return nil
	}
	var missing []desired.MissingKind
	for _, c := range p.State.Components {
		missing = append(missing, c.Missing...)
	}
	return missing
}

// whyUnready adds what unready servers say themselves to a finding that only knows their number: a server that cannot use
// OpenSearch takes no requests. While OpenSearch itself does not run, it speaks for both.
func (p Pass) whyUnready(f finding) finding {
	store := p.Observed.Workloads[desired.ComponentOpenSearch]
	if f.reason != v1alpha1.ReasonProgressing || len(p.Observed.Poll.Unready) == 0 || store.ReadyReplicas == 0 ||
		p.connecting(desired.ComponentOpenSearch) > 0 {
		return f
	}
	if why, lost := p.storeFault(openSearchState); lost {
		return no(v1alpha1.ReasonStoreUnreachable, "%s: servers cannot use OpenSearch: %s", f.message, explain(why, desired.ComponentOpenSearch))
	}
	return f
}

// serverReplicas are the numbers of server pods for the status; nil before there is a Deployment.
func (p Pass) serverReplicas() (replicas, ready *int32) {
	w, found := p.Observed.Workloads[desired.ComponentServer]
	if !found {
		return nil, nil
	}
	return &w.Replicas, &w.ReadyReplicas
}

// propagationLimit is how long a configuration may take to reach every server: the kubelet takes up to 90 s to renew a
// mounted ConfigMap, a poll 10 s, and 20 s are to spare.
const propagationLimit = 120 * time.Second

// judgeConfigApplied judges ConfigApplied. Its lastTransitionTime is when the wait began while it is Propagating, and
// since when the configuration runs once it is Applied.
func judgeConfigApplied(p Pass) finding {
	previous := p.previous(v1alpha1.ConditionConfigApplied)
	if p.State == nil && p.suspended() {
		return no(v1alpha1.ReasonSuspended, "no configuration is written while spec.suspend is true")
	}
	if p.State == nil || p.Observed == nil {
		return keep(previous)
	}
	if fault, found := p.terminalFault(desired.ComponentServer); found {
		return no(fault.Reason, "%s", fault.Message)
	}
	if p.withheld(desired.ComponentServer) {
		return p.withheldConfig(previous)
	}
	if p.stopped() {
		return yes(v1alpha1.ReasonNoReplicas, "spec.server.replicas is 0: no server runs another configuration")
	}
	if p.server().ReadyReplicas == 0 {
		return no(v1alpha1.ReasonProgressing, "no server is ready yet; it starts with the configuration")
	}
	if !p.polled() {
		if p.sameConfig() && previous.Reason != v1alpha1.ReasonProgressing &&
			previous.Reason != v1alpha1.ReasonAwaitingSecrets && previous.Reason != v1alpha1.ReasonNoReplicas {
			return keepJudged(keep(previous))
		}
		return p.propagating()
	}
	return p.judgeReports()
}

// withheldConfig is for a configuration that is not written while a Secret is missing: what runs goes on with the one
// before, and what was said of that stands.
func (p Pass) withheldConfig(previous metav1.Condition) finding {
	if p.server().ReadyReplicas > 0 && previous.Reason != v1alpha1.ReasonProgressing && previous.Reason != v1alpha1.ReasonAwaitingSecrets {
		return keep(previous)
	}
	return no(v1alpha1.ReasonAwaitingSecrets, "the configuration waits for the Secrets that the spec names; see SecretsResolved")
}

// judgeReports judges ConfigApplied by what the servers say.
func (p Pass) judgeReports() finding {
	hash, poll := p.State.ConfigHash, p.Observed.Poll
	runs := count(poll.Reports, func(s telemetry.Statusz) bool { return s.ConfigHash == hash })
	others := len(poll.Reports) - runs
	rejects := count(poll.Reports, func(s telemetry.Statusz) bool { return s.RejectedConfigHash == hash })
	before := p.previous(v1alpha1.ConditionConfigApplied).Reason
	applied := p.sameConfig() && (before == v1alpha1.ReasonApplied || (before == v1alpha1.ReasonPollFailed && p.wasReadyWithConfig()))
	switch {
	case rejects > 0:
		return no(v1alpha1.ReasonConfigRejected,
			"%d servers refuse the configuration and keep the one before: their logs say why (event config_rejected)", rejects)
	case len(poll.Reports) == 0:
		return unknown(v1alpha1.ReasonPollFailed,
			"no server answers the operator on its admin port 8081: check NetworkPolicies, and that the operator runs in the pod network")
	case others == 0 && (applied || p.everyServerSpoke()):
		// A server that has just started, or missed a poll, is no evidence against what was seen before.
		return yes(v1alpha1.ReasonApplied, "every ready server runs the configuration")
	default:
		return p.propagating()
	}
}

func (p Pass) everyServerSpoke() bool {
	poll := p.Observed.Poll
	return len(poll.Reports) == poll.Asked && poll.Asked >= int(p.server().ReadyReplicas)
}

// propagating is the wait for servers to take up the configuration. A new configuration, or one that ran everywhere
// and no longer does, begins a new wait.
func (p Pass) propagating() finding {
	previous := p.previous(v1alpha1.ConditionConfigApplied)
	waiting := previous.Reason == v1alpha1.ReasonPropagating || previous.Reason == v1alpha1.ReasonConfigNotApplied
	if waiting && p.sameConfig() && p.Now.Sub(previous.LastTransitionTime.Time) >= propagationLimit {
		return no(v1alpha1.ReasonConfigNotApplied,
			"a ready server does not run the configuration after %d s: look at the servers' logs for config", int(propagationLimit.Seconds()))
	}
	f := no(v1alpha1.ReasonPropagating, "the configuration is on its way to the servers")
	f.restarts = !waiting || !p.sameConfig()
	return f
}

// configDeadline is when the wait of propagating ends.
func (p Pass) configDeadline(found map[string]finding) time.Duration {
	f := found[v1alpha1.ConditionConfigApplied]
	if f.reason != v1alpha1.ReasonPropagating {
		return 0
	}
	began := p.condition(v1alpha1.ConditionConfigApplied, f).LastTransitionTime.Time
	return max(began.Add(propagationLimit).Sub(p.Now), time.Second)
}

// sameConfig says that this pass wants the configuration that the pass before wanted.
func (p Pass) sameConfig() bool { return p.Service.Status.ConfigHash == p.State.ConfigHash }

func (p Pass) server() Workload { return p.Observed.Workloads[desired.ComponentServer] }

// keepJudged marks a kept finding as one that was judged: the facts of this generation are known to be those of before.
func keepJudged(f finding) finding {
	f.kept = false
	return f
}

// judgeModels judges ModelsReady by what requests to the model came to. The operator itself never calls a model: its
// address is from the spec.
func judgeModels(p Pass) finding {
	if p.Service.Spec.Models.LLM.Provider == v1alpha1.LLMProviderExtractive {
		return yes(v1alpha1.ReasonNotConfigured, "spec.models.llm.provider is Extractive: no model is used")
	}
	if p.Observed == nil || (!p.polled() && !p.stopped()) {
		if previous := p.previous(v1alpha1.ConditionModelsReady); previous.Status != "" {
			return keep(previous)
		}
		return unknown(v1alpha1.ReasonWarmingUp, "no request has gone to the model yet")
	}
	reports := p.Observed.Poll.Reports
	down := func(s telemetry.Statusz) bool { return s.LLM == telemetry.DependencyDown }
	up := func(s telemetry.Statusz) bool { return s.LLM == telemetry.DependencyUp }
	switch {
	case atLeastHalf(reports, down):
		return no(v1alpha1.ReasonLLMUnavailable,
			"most requests to the model fail: check spec.models.llm.baseURL, its key, and the servers' logs for llm_generation_failed")
	case count(reports, up) == 0:
		return unknown(v1alpha1.ReasonWarmingUp, "no request has gone to the model yet")
	default:
		return yes(v1alpha1.ReasonAvailable, "the model answers")
	}
}
