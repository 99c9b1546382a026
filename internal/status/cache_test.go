package status_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

func TestCacheFigures(t *testing.T) {
	t.Parallel()
	got := status.Evaluate(wellPass()).Status.Cache
	want := &v1alpha1.CacheStatus{
		HitRatePercent: new(int32(55)),
		Window:         "5m0s",
		ByKind: []v1alpha1.CacheKindStatus{
			{Kind: v1alpha1.CacheKindLLM, HitRatePercent: new(int32(30))},
			{Kind: v1alpha1.CacheKindSearch, HitRatePercent: new(int32(80))},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status.cache (-want +got):\n%s", diff)
	}
}

// TestCacheHysteresis lets the exact rate wander and follows what is shown and judged.
func TestCacheHysteresis(t *testing.T) {
	t.Parallel()
	p := wellPass()
	for i, step := range []struct {
		exact  int64
		shown  int32
		reason string
	}{
		{49, 45, "LowHitRate"}, {50, 50, "Effective"}, {46, 50, "Effective"}, {54, 50, "Effective"}, {45, 45, "LowHitRate"},
		{49, 45, "LowHitRate"}, {0, 0, "LowHitRate"}, {100, 100, "Effective"}, {96, 100, "Effective"},
	} {
		p.Now = p.Now.Add(time.Hour)
		servers(traffic(step.exact, 100-step.exact))(&p)
		p.Service.Status = status.Evaluate(p).Status
		shown, reason := *p.Service.Status.Cache.HitRatePercent, condition(p.Service.Status, "CacheEffective").Reason
		if shown != step.shown || reason != step.reason {
			t.Errorf("step %d: exact %d shown as %d, %s; want %d, %s", i, step.exact, shown, reason, step.shown, step.reason)
		}
	}
}

func TestNumbersAloneWaitAMinute(t *testing.T) {
	t.Parallel()
	p := wellPass(servers(traffic(80, 20)))
	p.NumbersWritten = p.Now.Add(-20 * time.Second)
	verdict := status.Evaluate(p)
	if diff := cmp.Diff(p.Service.Status, verdict.Status); diff != "" {
		t.Errorf("numbers were changed 20 s after the last time (-before +after):\n%s", diff)
	}
	if verdict.RecheckAfter != 40*time.Second {
		t.Errorf("recheck after %s, want 40s", verdict.RecheckAfter)
	}

	unready(desired.ComponentRedisCache)(&p)
	if got := *status.Evaluate(p).Status.Cache.HitRatePercent; got != 80 {
		t.Errorf("hit rate %d beside a condition that changed, want 80", got)
	}

	p = wellPass(servers(traffic(80, 20)))
	p.NumbersWritten = p.Now.Add(-time.Minute)
	if got := *status.Evaluate(p).Status.Cache.HitRatePercent; got != 80 {
		t.Errorf("hit rate %d a minute after the last write, want 80", got)
	}
}

// Whoever has just asked for the first time looks for the rate at once.
func TestTheFirstRateWaitsForNothing(t *testing.T) {
	t.Parallel()
	p := wellPass(servers(traffic(1, 1)))
	p.NumbersWritten = p.Now.Add(-time.Second)
	p.Service.Status.Cache.HitRatePercent = nil
	if got := status.Evaluate(p).Status.Cache.HitRatePercent; got == nil || *got != 50 {
		t.Errorf("hit rate %v a second after numbers without one, want 50", got)
	}
}

// TestCacheIsNotJudgedByItsFirstRequests: the rate is shown from the first request on, and judged from the twentieth; once judged, few
// requests are as good as many.
func TestCacheIsNotJudgedByItsFirstRequests(t *testing.T) {
	t.Parallel()
	p := wellPass(neverSeen)
	for i, step := range []struct {
		misses int64
		reason string
	}{{1, "WarmingUp"}, {9, "WarmingUp"}, {10, "LowHitRate"}, {1, "LowHitRate"}} {
		p.Now = p.Now.Add(time.Hour)
		servers(traffic(0, step.misses))(&p) // of each of two
		p.Service.Status = status.Evaluate(p).Status
		if shown := p.Service.Status.Cache.HitRatePercent; shown == nil || *shown != 0 {
			t.Errorf("step %d: no rate is shown", i)
		}
		if reason := condition(p.Service.Status, "CacheEffective").Reason; reason != step.reason {
			t.Errorf("step %d: %d requests: %s, want %s", i, 2*step.misses, reason, step.reason)
		}
	}
}
