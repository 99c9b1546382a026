package cache

import (
	"context"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// lookupSpan begins the span of a look-up. The work on what is not found is not in it.
func (k *kind[Q, V]) lookupSpan(ctx context.Context) (context.Context, telemetry.Span) {
	if k.name == rag.CacheLLM {
		return telemetry.StartSpan(ctx, telemetry.SpanCacheLLM)
	}
	return telemetry.StartSpan(ctx, telemetry.SpanCacheSearch)
}

// endLookup ends it with the layer that was asked last, and what that has said.
func endLookup(span telemetry.Span, layer, outcome string) {
	span.String(telemetry.AttributeCacheLayer, layer)
	span.String(telemetry.AttributeCacheLookup, outcome)
	span.End()
}

// lastLayer is the one that is asked last.
func (c *Cache) lastLayer() string {
	if c.options.Redis == nil {
		return LayerLocal
	}
	return LayerRedis
}
