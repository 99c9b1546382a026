package status

import (
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

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
