package httpapi

import (
	"math"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// figures are those of a length of time.
type figures struct {
	Seconds  int          `json:"seconds"`
	Requests int64        `json:"requests"`
	Errors   int64        `json:"errors"`
	Cache    cacheFigures `json:"cache"`
	// Feedback of who changes it counts each time.
	Feedback feedbackFigures `json:"feedback"`
}

type cacheFigures struct {
	hitRate
	ByKind []kindFigures `json:"by_kind"`
	// Saved is what the results from the cache would have taken of the model.
	Saved usage `json:"saved"`
}

type kindFigures struct {
	Kind string `json:"kind"`
	hitRate
	Saved   usage          `json:"saved"`
	ByLayer []layerFigures `json:"by_layer"`
}

// layerFigures are of the requests that came to a layer: the first sees all, the next one those that it missed. Stale ones are no part of
// the rate.
type layerFigures struct {
	Layer string `json:"layer"`
	hitRate
	Saved usage `json:"saved"`
}

// hitRate is the share of requests answered from the cache, in percent with one decimal; null without requests. Stale ones are
// no part of it.
type hitRate struct {
	Hits    int64    `json:"hits"`
	Misses  int64    `json:"misses"`
	Stale   int64    `json:"stale"`
	Percent *float64 `json:"hit_rate_percent"`
}

func newHitRate(h telemetry.Hits) hitRate {
	rate := hitRate{Hits: h.Hits, Misses: h.Misses, Stale: h.Stale}
	if all := h.Hits + h.Misses; all > 0 {
		percent := math.Round(1000*float64(h.Hits)/float64(all)) / 10
		rate.Percent = &percent
	}
	return rate
}

func newFigures(f telemetry.Figures) figures {
	all, saved := f.Search.All, f.Search.Saved
	all.Add(f.LLM.All)
	saved.Add(f.LLM.Saved)
	return figures{
		Seconds: int(f.Over.Seconds()), Requests: f.Requests, Errors: f.Errors,
		Cache: cacheFigures{hitRate: newHitRate(all), ByKind: []kindFigures{
			newKindFigures(telemetry.KindSearch, &f.Search),
			newKindFigures(telemetry.KindLLM, &f.LLM),
		}, Saved: usage(saved)},
		Feedback: newFeedbackFigures(f.Feedback),
	}
}

func newKindFigures(kind string, k *telemetry.KindCounts) kindFigures {
	f := kindFigures{Kind: kind, hitRate: newHitRate(k.All), Saved: usage(k.Saved)}
	left := k.All.Hits + k.All.Misses
	for i, layer := range k.Layers {
		left -= layer.Hits
		f.ByLayer = append(f.ByLayer, layerFigures{
			Layer:   telemetry.Layers[i],
			hitRate: newHitRate(telemetry.Hits{Hits: layer.Hits, Misses: left, Stale: layer.Stale}),
			Saved:   usage(layer.Saved),
		})
	}
	return f
}
