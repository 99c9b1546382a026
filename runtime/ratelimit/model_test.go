package ratelimit

import (
	"testing"
	"time"
)

// The model: two servers, one caller, a bucket of two requests that gains two in a step of time; a lease lives for a step. What Redis and
// the servers hold goes by bucket.go, as the script does.
const (
	modelServers = 2
	modelBurst   = 2
	modelStep    = time.Second
	modelGain    = 2 // requests in a step
	// never is less than any window holds: there was none.
	never = -20
)

// modelState is all that the future depends on, in one moment.
type modelState struct {
	store  int64
	local  [modelServers]int64
	leases [modelServers]modelLease
	lost   int
	// apart[l] is the most that a window holds that ends now, in which l losses and no decision without Redis are: its admissions, less
	// what was gained since. mixed[a][l] is that less what was gained with the shares; a is whether a server decided alone.
	apart [2]int
	mixed [2][2]int
}

type modelLease struct {
	left, age int8
}

// modelFaults are what the model lets happen.
type modelFaults struct{ timeouts, losses, leases bool }

// after are the states that one event leads to.
func (s modelState) after(may modelFaults) (next []modelState) {
	for n := range modelServers {
		if s.leases[n].left > 0 {
			used := s
			used.leases[n].left--
			next = append(next, used.admit(false), s.giveBack(n))
			continue
		}
		taken := s.take(0, n)
		if taken.store != s.store {
			next = append(next, taken.admit(false))
		}
		if leased := s.take(1, n); may.leases && leased.leases != s.leases {
			next = append(next, leased.admit(false))
		}
		if may.timeouts { // before the script ran, or after
			next = append(next, s.decideAlone(n), taken.decideAlone(n))
		}
	}
	if may.losses && s.lost == 0 {
		next = append(next, s.lose())
	}
	return append(next, s.pass())
}

// take takes a request from the bucket in Redis, and leases of what is left.
func (s modelState) take(lease, server int) modelState {
	whole := modelBucket(1)
	if s.store < whole.cost {
		return s
	}
	s.store -= whole.cost
	if lease > 0 && s.store >= whole.cost {
		s.store -= whole.cost
		s.leases[server] = modelLease{left: 1}
	}
	return s
}

func (s modelState) giveBack(server int) modelState {
	whole := modelBucket(1)
	s.store = min(whole.capacity, s.store+whole.cost)
	s.leases[server] = modelLease{}
	return s
}

func (s modelState) decideAlone(server int) modelState {
	if cost := modelBucket(modelServers).cost; s.local[server] >= cost {
		s.local[server] -= cost
		return s.admit(true)
	}
	return s
}

func (s modelState) lose() modelState {
	s.store, s.lost = modelBucket(1).capacity, 1
	s.apart[1], s.apart[0] = s.apart[0], 0
	for a := range s.mixed {
		s.mixed[a][1], s.mixed[a][0] = s.mixed[a][0], never
	}
	s.mixed[0][0] = 0
	return s
}

// pass lets a step of time pass.
func (s modelState) pass() modelState {
	fill := func(b bucket, tokens int64) int64 {
		return b.fill(level{tokens: tokens}, modelStep.Microseconds()).tokens
	}
	s.store = fill(modelBucket(1), s.store)
	for n := range modelServers {
		s.local[n] = fill(modelBucket(modelServers), s.local[n])
		if s.leases[n].age++; s.leases[n].left == 0 || s.leases[n].age > 1 {
			s.leases[n] = modelLease{}
		}
	}
	for l := range s.apart {
		s.apart[l] = max(s.apart[l]-modelGain, never)
		for a := range s.mixed {
			s.mixed[a][l] = max(s.mixed[a][l]-2*modelGain, never)
		}
	}
	s.apart[0], s.mixed[0][0] = max(s.apart[0], 0), max(s.mixed[0][0], 0) // a window that begins now
	return s
}

func (s modelState) admit(alone bool) modelState {
	for l := range s.apart {
		if alone {
			s.mixed[1][l] = max(s.mixed[1][l], s.mixed[0][l])
			s.apart[l], s.mixed[0][l] = never, never
		}
		s.apart[l] = min(s.apart[l]+1, -never)
		s.mixed[0][l] = min(s.mixed[0][l]+1, -never)
		s.mixed[1][l] = min(s.mixed[1][l]+1, -never)
	}
	if alone { // a window may begin after it
		s.apart[0], s.mixed[0][0] = 0, 0
	}
	return s
}

func modelBucket(share int) bucket {
	return newBucket(Bucket{Name: "alice", Limit: ask(60*modelGain, modelBurst, 1)}, share)
}

// explore visits each state that can be reached, and returns how many there are and the most by which a window is over burst + rate x t:
// without losses and decisions alone, with one loss, with decisions alone, and with both.
func explore(may modelFaults) (states int, over [4]int) {
	begin := modelState{store: modelBucket(1).capacity, apart: [2]int{0, never}, mixed: [2][2]int{{0, never}, {never, never}}}
	for n := range modelServers {
		begin.local[n] = modelBucket(modelServers).capacity
	}
	seen := map[modelState]bool{begin: true}
	for todo := []modelState{begin}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for i, held := range []int{s.apart[0], s.apart[1], s.mixed[1][0], s.mixed[1][1]} {
			over[i] = max(over[i], held-modelBurst)
		}
		for _, next := range s.after(may) {
			if !seen[next] {
				seen[next] = true
				todo = append(todo, next)
			}
		}
	}
	return len(seen), over
}

// TestModelKeepsTheInvariant visits all states of the model: what docs/rate-limits.md promises holds in each, and each part of the slack
// is needed.
func TestModelKeepsTheInvariant(t *testing.T) {
	t.Parallel()
	const (
		shares = modelServers * 1 // floor(burst/servers) each; their rate is in what mixed counts
		early  = modelGain        // in the life of a lease
	)
	for name, test := range map[string]struct {
		may           modelFaults
		reached, most [4]int
	}{
		"no fault": {modelFaults{}, [4]int{}, [4]int{}},
		"losses":   {modelFaults{losses: true}, [4]int{1: modelBurst}, [4]int{1: modelBurst}},
		"timeouts": {modelFaults{timeouts: true}, [4]int{2: shares}, [4]int{2: shares}},
		"timeouts and losses": {
			modelFaults{timeouts: true, losses: true}, [4]int{0, modelBurst, shares, modelBurst + shares}, [4]int{0, modelBurst, shares, modelBurst + shares},
		},
		"leases": {modelFaults{leases: true}, [4]int{1}, [4]int{early}},
		"all": {
			modelFaults{timeouts: true, losses: true, leases: true},
			[4]int{1, modelBurst + 1, shares + 1, modelBurst + shares + 1},
			[4]int{early, modelBurst + early, shares + early, modelBurst + shares + early},
		},
	} {
		states, over := explore(test.may)
		t.Logf("%s: %d states", name, states)
		for i := range over {
			if over[i] < test.reached[i] || over[i] > test.most[i] {
				t.Errorf("%s: over burst + rate x t by %v, want %v to %v", name, over, test.reached, test.most)
				break
			}
		}
	}
}
