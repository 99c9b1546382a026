package status

import (
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/observe/observed"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
)

const (
	// effectiveFrom is the hit rate from which a cache earns its keep, in percent. The stored rate moves only by 5 and
	// more, which is the hysteresis of the condition: True from 50 on, False from 45 down.
	effectiveFrom = 50
	// numbersEvery is the shortest time between two writes that are caused by numbers alone.
	numbersEvery = time.Minute
)

// judgeCache judges CacheEffective.
func judgeCache(p Pass) finding {
	if !p.cacheEnabled() {
		return yes(v1alpha1.ReasonNotConfigured, "spec.cache.enabled is false")
	}
	if p.Observed == nil || (!p.polled() && !p.stopped()) {
		if previous := p.previous(v1alpha1.ConditionCacheEffective); previous.Status != "" {
			return keep(previous)
		}
	}
	figures := p.cacheFigures()
	switch {
	case figures == nil || figures.HitRatePercent == nil || p.tooFewRequests():
		return unknown(v1alpha1.ReasonWarmingUp, "too few requests in the last minutes to judge the cache by")
	case *figures.HitRatePercent >= effectiveFrom:
		return yes(v1alpha1.ReasonEffective, "at least %d %% of requests are answered from the cache", effectiveFrom)
	default:
		return no(v1alpha1.ReasonLowHitRate,
			"under %d %% of requests are answered from the cache: longer spec.cache.ttl may help; see status.cache", effectiveFrom)
	}
}

// cacheFigures are the figures for status.cache: those of before until the servers have been asked, none for a cache
// that is off.
func (p Pass) cacheFigures() *v1alpha1.CacheStatus {
	switch {
	case !p.cacheEnabled() || p.stopped():
		return nil
	case !p.polled():
		return p.Service.Status.Cache.DeepCopy()
	default:
		return observed.Figures(p.Service.Status.Cache, p.Observed.Poll.Reports)
	}
}

// tooFewRequests says that no rate was judged before, and that there are not enough requests to begin.
func (p Pass) tooFewRequests() bool {
	previous := p.previous(v1alpha1.ConditionCacheEffective)
	judged := previous.Reason == v1alpha1.ReasonEffective || previous.Reason == v1alpha1.ReasonLowHitRate
	return !judged && p.polled() && !observed.EnoughRequests(p.Observed.Poll.Reports)
}

func (p Pass) cacheEnabled() bool { return serverconfig.CacheEnabled(p.Service) }

// throttleNumbers takes the figures of before when they are all that a write would change and the last such write is
// under a minute ago, but for the first rate: people look for it. It answers how long to wait for the next.
func (p Pass) throttleNumbers(next *v1alpha1.RAGServiceStatus) time.Duration {
	before := &p.Service.Status
	if equality.Semantic.DeepEqual(before.Cache, next.Cache) {
		return 0
	}
	if next.Cache != nil && next.Cache.HitRatePercent != nil && (before.Cache == nil || before.Cache.HitRatePercent == nil) {
		return 0
	}
	wait := p.NumbersWritten.Add(numbersEvery).Sub(p.Now)
	if wait <= 0 {
		return 0
	}
	rest := *next
	rest.Cache = before.Cache
	if !equality.Semantic.DeepEqual(*before, rest) {
		return 0
	}
	next.Cache = before.Cache.DeepCopy()
	return wait
}
