package status

import (
	"math"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// numbersEvery is the shortest time between two writes that are caused by numbers alone.
const numbersEvery = time.Minute

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
	from := ptr.Deref(p.Service.Spec.Alerts.CacheHitRate.Percent, alerts.EffectiveFrom)
	switch {
	case figures == nil || figures.HitRatePercent == nil || p.tooFewRequests():
		return unknown(v1alpha1.ReasonWarmingUp, "too few requests in the last minutes to judge the cache by")
	case *figures.HitRatePercent >= from:
		return yes(v1alpha1.ReasonEffective, "at least %d %% of requests are answered from the cache", from)
	default:
		return no(v1alpha1.ReasonLowHitRate,
			"under %d %% of requests are answered from the cache: longer spec.cache.ttl may help; see status.cache", from)
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
		return Figures(p.Service.Status.Cache, p.Observed.Poll.Reports)
	}
}

// tooFewRequests says that no rate was judged before, and that there are not enough requests to begin.
func (p Pass) tooFewRequests() bool {
	previous := p.previous(v1alpha1.ConditionCacheEffective)
	judged := previous.Reason == v1alpha1.ReasonEffective || previous.Reason == v1alpha1.ReasonLowHitRate
	return !judged && p.polled() && !EnoughRequests(p.Observed.Poll.Reports)
}

func (p Pass) cacheEnabled() bool { return serverconfig.CacheEnabled(p.Service) }

// throttleNumbers takes the figures of before when they are all that a write would change and the last such write is
// under a minute ago, but for the first rate: people look for it. It answers how long to wait for the next.
func (p Pass) throttleNumbers(next *v1alpha1.RAGServiceStatus) time.Duration {
	before := &p.Service.Status
	if !NumbersDiffer(before, next) {
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
	rest.Cache, rest.Alerts, rest.Budgets = before.Cache, before.Alerts, before.Budgets // what matters is told by a condition, too
	if !equality.Semantic.DeepEqual(*before, rest) {
		return 0
	}
	kept := before.DeepCopy()
	next.Cache, next.Alerts, next.Budgets = kept.Cache, kept.Alerts, kept.Budgets
	return wait
}

// Numbers are what a status shows of traffic. Judged says that AlertsClear has been judged.
type Numbers struct {
	Cache   *v1alpha1.CacheStatus
	Alerts  []v1alpha1.AlertStatus
	Budgets []v1alpha1.BudgetStatus
	Judged  bool
}

// NumbersShown are those of a status.
func NumbersShown(rag *v1alpha1.RAGService) Numbers {
	judged := slices.ContainsFunc(rag.Status.Conditions, func(c metav1.Condition) bool {
		return c.Type == v1alpha1.ConditionAlertsClear && wasJudged(c)
	})
	return Numbers{rag.Status.Cache, rag.Status.Alerts, rag.Status.Budgets, judged}
}

// NumbersOf are those that a status of rag would show after a round of polling.
func NumbersOf(rag *v1alpha1.RAGService, poll Poll) Numbers {
	shown := NumbersShown(rag)
	firing, judged := Alerts(rag, shown.Alerts, poll.Traffic)
	return Numbers{Figures(shown.Cache, poll.Reports), firing, Budgets(rag, poll.Reports, poll.At), shown.Judged || judged}
}

// NumbersDiffer says that two statuses differ in figures of traffic.
func NumbersDiffer(a, b *v1alpha1.RAGServiceStatus) bool {
	return !equality.Semantic.DeepEqual(a.Cache, b.Cache) || !equality.Semantic.DeepEqual(a.Alerts, b.Alerts) ||
		!equality.Semantic.DeepEqual(a.Budgets, b.Budgets)
}

// traffic counts requests.
type traffic struct{ hits, misses int64 }

// Figures are the figures for status.cache: those in shown, moved where the exact ones are 5 or more away. They are nil
// when no server answers, and hold no rate without traffic.
func Figures(shown *v1alpha1.CacheStatus, reports []telemetry.Statusz) *v1alpha1.CacheStatus {
	if len(reports) == 0 {
		return nil
	}
	var all traffic
	byKind := map[v1alpha1.CacheKind]traffic{}
	window := 0
	for _, r := range reports {
		window = max(window, r.WindowSeconds)
		for _, c := range r.Cache {
			kind := v1alpha1.CacheKind(c.Kind)
			byKind[kind] = traffic{byKind[kind].hits + c.Hits, byKind[kind].misses + c.Misses}
			all = traffic{all.hits + c.Hits, all.misses + c.Misses}
		}
	}
	figures := &v1alpha1.CacheStatus{
		HitRatePercent: all.rate(shownTotal(shown)),
		Window:         v1alpha1.Duration((time.Duration(window) * time.Second).String()),
	}
	for kind, t := range byKind {
		if rate := t.rate(shownKind(shown, kind)); rate != nil {
			figures.ByKind = append(figures.ByKind, v1alpha1.CacheKindStatus{Kind: kind, HitRatePercent: rate})
		}
	}
	slices.SortFunc(figures.ByKind, func(a, b v1alpha1.CacheKindStatus) int {
		return strings.Compare(string(a.Kind), string(b.Kind))
	})
	return figures
}

// EnoughRequests says whether the window has enough of them to begin to judge the cache by its rate.
func EnoughRequests(reports []telemetry.Statusz) bool {
	var n int64
	for _, r := range reports {
		for _, c := range r.Cache {
			n += c.Hits + c.Misses
		}
	}
	return n >= alerts.Enough
}

// rate is the share of hits as a status shows it; nil without traffic. Steps are rounded down, so that a rate of 50 never stands
// for less.
func (t traffic) rate(shown *int32) *int32 {
	if t.hits+t.misses <= 0 {
		return nil
	}
	exact := 100 * float64(t.hits) / float64(t.hits+t.misses)
	if shown != nil && *shown%alerts.PercentStep == 0 && math.Abs(exact-float64(*shown)) < alerts.PercentStep {
		return new(*shown)
	}
	return new(int32(exact) / alerts.PercentStep * alerts.PercentStep)
}

func shownTotal(shown *v1alpha1.CacheStatus) *int32 {
	if shown == nil {
		return nil
	}
	return shown.HitRatePercent
}

func shownKind(shown *v1alpha1.CacheStatus, kind v1alpha1.CacheKind) *int32 {
	if shown == nil {
		return nil
	}
	for _, k := range shown.ByKind {
		if k.Kind == kind {
			return k.HitRatePercent
		}
	}
	return nil
}
