package observed

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// percentStep is the precision of percentages in a status, and how far the exact one must be away to move it.
const percentStep = 5

// enoughRequests make a rate: that of the first request of a service would be 0 or 100 percent.
const enoughRequests = 20

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
	return n >= enoughRequests
}

// rate is the share of hits as a status shows it; nil without traffic. Steps are rounded down, so that a rate of 50 never stands
// for less.
func (t traffic) rate(shown *int32) *int32 {
	if t.hits+t.misses <= 0 {
		return nil
	}
	exact := 100 * float64(t.hits) / float64(t.hits+t.misses)
	if shown != nil && *shown%percentStep == 0 && math.Abs(exact-float64(*shown)) < percentStep {
		return new(*shown)
	}
	return new(int32(exact) / percentStep * percentStep)
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
