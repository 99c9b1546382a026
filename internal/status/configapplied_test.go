package status_test

import (
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

func takesUp(s *telemetry.Statusz) { s.ConfigHash = newHash }

// TestConfigAppliedOverTime follows a service through passes: each step adds its changes to those of the steps before.
func TestConfigAppliedOverTime(t *testing.T) {
	t.Parallel()
	type step struct {
		after       time.Duration
		change      change
		want, ready string
		// since is lastTransitionTime, from the first step on.
		since time.Duration
	}
	nothing := func(*status.Pass) {}
	for name, steps := range map[string][]step{
		"a change arrives": {
			{0, wants(newHash), "Propagating", "True/Ready", 0},
			{10 * time.Second, server(takesUp), "Propagating", "True/Ready", 0},
			{20 * time.Second, servers(takesUp), "Applied", "True/Ready", 30 * time.Second},
		},
		"a change is late, and arrives": {
			{0, wants(newHash), "Propagating", "True/Ready", 0},
			{119 * time.Second, nothing, "Propagating", "True/Ready", 0},
			{time.Second, nothing, "ConfigNotApplied", "False/ConfigNotApplied", 0},
			{time.Hour, nothing, "ConfigNotApplied", "False/ConfigNotApplied", 0},
			{0, servers(takesUp), "Applied", "True/Ready", time.Hour + 2*time.Minute},
		},
		"a second change begins another wait": {
			{0, wants(newHash), "Propagating", "True/Ready", 0},
			{100 * time.Second, wants("00000000000000cc"), "Propagating", "True/Ready", 100 * time.Second},
			{100 * time.Second, nothing, "Propagating", "True/Ready", 100 * time.Second},
			{20 * time.Second, nothing, "ConfigNotApplied", "False/ConfigNotApplied", 100 * time.Second},
		},
		"a server falls back": {
			{0, server(takesUp), "Propagating", "True/Ready", 0},
			{120 * time.Second, nothing, "ConfigNotApplied", "True/Ready", 0}, // the other answers with it
		},
		"polls are lost": {
			{0, nobodyAnswers, "PollFailed", "True/Ready", 0},
			{time.Hour, nothing, "PollFailed", "True/Ready", 0},
			{0, func(p *status.Pass) { p.Observed.Poll.Reports = []telemetry.Statusz{wellServer("a")} }, "Applied", "True/Ready", time.Hour},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := wellPass()
			first := p.Now
			for i, s := range steps {
				p.Now = p.Now.Add(s.after)
				s.change(&p)
				p.Service.Status = status.Evaluate(p).Status
				got := condition(p.Service.Status, v1alpha1.ConditionConfigApplied)
				if since := got.LastTransitionTime.Sub(first); got.Reason != s.want || since != s.since {
					t.Errorf("step %d: %s since %s, want %s since %s", i, got.Reason, since, s.want, s.since)
				}
				if ready := outcomes(p.Service.Status)["Ready"]; ready != s.ready {
					t.Errorf("step %d: Ready %s, want %s", i, ready, s.ready)
				}
			}
		})
	}
}

func TestConfigAppliedRechecksAtItsDeadline(t *testing.T) {
	t.Parallel()
	p := wellPass(wants(newHash))
	verdict := status.Evaluate(p)
	if verdict.RecheckAfter != 2*time.Minute {
		t.Errorf("recheck after %s, want when the wait ends", verdict.RecheckAfter)
	}
	if got := status.Evaluate(wellPass()).RecheckAfter; got != 0 {
		t.Errorf("recheck of a steady service after %s, want never", got)
	}
}
