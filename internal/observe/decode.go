package observe

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

const (
	// maxCount bounds the requests that a server may say it had in a window, so that sums over servers do not overflow.
	maxCount = 1 << 48
	// maxWindow bounds that window: a day, in seconds.
	maxWindow = 24 * 60 * 60
)

var hash = regexp.MustCompile(`^[0-9a-f]{0,64}$`)

var errImplausible = errors.New("implausible value")

// decode reads an answer. A server is not trusted: what it says is numbers within bounds, hashes and words of a list, or
// it is refused. Kinds of results that this version does not know are left out.
func decode(body []byte) (telemetry.Statusz, error) {
	var said telemetry.Statusz
	if err := json.Unmarshal(body, &said); err != nil {
		return telemetry.Statusz{}, fmt.Errorf("reading an answer: %w", err)
	}
	if !hash.MatchString(said.ConfigHash) || !hash.MatchString(said.RejectedConfigHash) {
		return telemetry.Statusz{}, fmt.Errorf("%w: a hash", errImplausible)
	}
	if said.WindowSeconds < 0 || said.WindowSeconds > maxWindow {
		return telemetry.Statusz{}, fmt.Errorf("%w: window", errImplausible)
	}
	for _, state := range []*telemetry.DependencyState{&said.OpenSearch, &said.RedisCache, &said.RedisState, &said.LLM} {
		*state = knownState(*state)
	}
	if said.Started < 0 || said.Started > maxCount || !plausible(said.Minutes) {
		return telemetry.Statusz{}, fmt.Errorf("%w: minutes", errImplausible)
	}
	counts, err := knownCounts(said.Cache)
	said.Cache, said.Version = counts, ""
	for _, fault := range []*telemetry.DependencyFault{&said.OpenSearchFault, &said.RedisCacheFault, &said.RedisStateFault} {
		*fault = knownFault(*fault)
	}
	return said, err
}

func knownFault(f telemetry.DependencyFault) telemetry.DependencyFault {
	switch f {
	case telemetry.FaultDNS, telemetry.FaultRefused, telemetry.FaultTimeout, telemetry.FaultUnreachable, telemetry.FaultForeign,
		telemetry.FaultTLS, telemetry.FaultAuth, telemetry.FaultUnready, telemetry.FaultBlocked:
		return f
	default:
		return ""
	}
}

func knownState(s telemetry.DependencyState) telemetry.DependencyState {
	switch s {
	case telemetry.DependencyUp, telemetry.DependencyDown, telemetry.DependencyUnused:
		return s
	default:
		return telemetry.DependencyUnknown
	}
}

func knownCounts(all []telemetry.CacheCount) ([]telemetry.CacheCount, error) {
	var known []telemetry.CacheCount
	seen := map[string]bool{}
	for _, c := range all {
		kind := v1alpha1.CacheKind(c.Kind)
		if kind != v1alpha1.CacheKindSearch && kind != v1alpha1.CacheKindLLM {
			continue
		}
		if seen[c.Kind] || c.Hits < 0 || c.Misses < 0 || c.Hits > maxCount || c.Misses > maxCount {
			return nil, fmt.Errorf("%w: counts of %s", errImplausible, kind)
		}
		seen[c.Kind] = true
		known = append(known, c)
	}
	return known, nil
}

// plausible says that the minutes of a server are such as one counts: at most as many as it keeps, in order, each part within its whole.
func plausible(all []telemetry.Minute) bool {
	before := int64(0)
	for _, m := range all {
		if m.Minute <= before || len(m.Latency) > len(telemetry.LatencyBounds)+1 || m.DiskPercent > 100 ||
			m.Errors > m.Requests || m.ModelFailures > m.ModelCalls {
			return false
		}
		before = m.Minute
		for _, n := range append([]int64{m.Minute, m.Requests, m.Errors, m.Hits, m.Misses, m.ModelCalls, m.ModelFailures, m.DiskPercent}, m.Latency...) {
			if n < 0 || n > maxCount {
				return false
			}
		}
	}
	return len(all) <= telemetry.MinutesKept
}
