package observe

import (
	"maps"
	"slices"
	"time"

	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// maxStarts bounds how many starts of servers are remembered for a RAGService: a server that keeps ending makes a new one each time.
const maxStarts = 64

// start is one run of a server: what it counts begins anew with the next.
type start struct {
	podUID  string
	started int64
}

// history is what the servers of a RAGService counted, those that have ended included. Without them a restart of a server would look like
// a change of traffic.
type history struct {
	// since is the first minute of which all is remembered.
	since  int64
	starts map[start]map[int64]telemetry.Minute
	// lost is the first minute after one of which something is missing for good.
	lost int64
	// silent are the ready servers that do not answer, with the minute since which. What one counted is lost if it ends before it answers.
	silent map[string]int64
}

func newHistory(now time.Time) history {
	return history{
		since: minuteOf(now) + 1, starts: map[start]map[int64]telemetry.Minute{}, silent: map[string]int64{},
	}
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// take remembers the minutes of an answer, and takes them out of it: the last report of a minute holds.
func (h *history) take(said *telemetry.Statusz, now time.Time) {
	key, last := start{said.PodUID, said.Started}, minuteOf(now)
	for _, m := range said.Minutes {
		if m.Minute <= last-telemetry.MinutesKept || m.Minute > last {
			continue
		}
		if h.starts[key] == nil {
			h.starts[key] = map[int64]telemetry.Minute{}
		}
		h.starts[key][m.Minute] = m
	}
	said.Minutes = nil
}

// traffic is the sum, after a round in which every answer was taken. silent are the ready servers whose last answer is too old.
func (h *history) traffic(round status.Poll, silent []string, now time.Time) status.Traffic {
	last := minuteOf(now)
	h.forget(last)
	t := status.Traffic{Now: last, Since: h.wholeSince(round.Reports, silent, last)}
	sums := map[int64]telemetry.Minute{}
	for _, minutes := range h.starts {
		for minute, m := range minutes {
			sum := sums[minute]
			status.SumMinutes(&sum, m)
			sum.Minute = minute
			sums[minute] = sum
		}
	}
	for _, minute := range slices.Sorted(maps.Keys(sums)) {
		t.Minutes = append(t.Minutes, sums[minute])
	}
	return t
}

// wholeSince is the first minute of which nothing is missing: since this operator remembers, or since all servers of now have run, which
// tell by themselves. It is the next minute while one does not answer.
func (h *history) wholeSince(reports []telemetry.Statusz, silent []string, last int64) int64 {
	started, starts := int64(0), map[string]int64{}
	for _, r := range reports {
		if r.Started == 0 {
			return last + 1 // of a version that does not tell
		}
		starts[r.PodUID] = r.Started / 60
		started = max(started, r.Started/60+1) // what ran before it in that minute is not known
	}
	for pod, since := range h.silent {
		start, answers := starts[pod]
		switch {
		case slices.Contains(silent, pod):
		case !answers || start >= since: // it has ended, and maybe begun anew
			h.lost = last + 1
			delete(h.silent, pod)
		default:
			delete(h.silent, pod)
		}
	}
	for _, pod := range silent {
		if _, known := h.silent[pod]; !known {
			h.silent[pod] = last
		}
	}
	if len(silent) > 0 || len(reports) == 0 {
		return last + 1
	}
	return max(h.lost, min(h.since, started))
}

// forget lets go of minutes that nobody looks at any more, and of the oldest starts where there are too many.
func (h *history) forget(last int64) {
	latest := map[start]int64{}
	for key, minutes := range h.starts {
		maps.DeleteFunc(minutes, func(minute int64, _ telemetry.Minute) bool { return minute <= last-telemetry.MinutesKept })
		if len(minutes) == 0 {
			delete(h.starts, key)
			continue
		}
		latest[key] = slices.Max(slices.Collect(maps.Keys(minutes)))
	}
	for len(h.starts) > maxStarts {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(latest)), func(a, b start) int { return int(latest[a] - latest[b]) })
		delete(h.starts, oldest)
		delete(latest, oldest)
	}
}
