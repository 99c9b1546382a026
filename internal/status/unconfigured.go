package status

import "github.com/ragservice/ragservice-operator/api/v1alpha1"

// Features whose fields the API does not have yet. Their conditions are there so that whoever waits for them need not
// know which version of the operator runs.

func judgeAlerts(Pass) finding {
	return yes(v1alpha1.ReasonNotConfigured, "no alert is configured")
}

func judgeMonitoring(Pass) finding {
	return yes(v1alpha1.ReasonNotConfigured, "no dashboard or rule is configured")
}

func judgeBudget(Pass) finding {
	return yes(v1alpha1.ReasonNotConfigured, "no budget is configured")
}
