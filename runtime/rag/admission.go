package rag

import "context"

// admission is the step of a request at which RequestOptions.Admit is called, once.
type admission struct {
	RequestOptions
	admitted bool
}

// early admits before anything was looked up, unless the request wants it later.
func (a *admission) early(ctx context.Context) error {
	if a.AdmitLate {
		return nil
	}
	return a.late(ctx, CacheInfo{})
}

// late admits when it is known how the cache serves the request, unless it was admitted already.
func (a *admission) late(ctx context.Context, cache CacheInfo) error {
	if a.admitted {
		return nil
	}
	a.admitted = true
	if a.Admit == nil {
		return nil
	}
	return a.Admit(ctx, cache)
}

// result is how the cache serves a search whose result is the whole answer.
func (a *admission) result(ctx context.Context) CacheUse {
	return a.use(func(info CacheInfo) error { return a.late(ctx, info) })
}

// passages is how the cache serves a search that an answer is to be made from: while it has them, nothing was worked out.
func (a *admission) passages(ctx context.Context) CacheUse {
	return a.use(func(info CacheInfo) error {
		if info.Outcome == CacheHit {
			return nil
		}
		return a.late(ctx, info)
	})
}

func (a *admission) use(serving func(CacheInfo) error) CacheUse {
	if a.admitted {
		return CacheUse{NoCache: a.NoCache}
	}
	return CacheUse{NoCache: a.NoCache, Serving: serving}
}
