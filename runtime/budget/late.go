package budget

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

const (
	// every is how often Redis is told what it does not know yet, and asked what others took.
	every = 2 * time.Second
	// askedAbout is how many tenants are asked about at once, of those that called in the last asksFor.
	askedAbout = 100
	asksFor    = 10 * time.Minute
	// maxLate bounds the settlements that wait for Redis; further reservations count whole when their lease is over.
	maxLate = 10_000
)

// Run tells Redis what was taken without it, and keeps knowing what other servers took, until ctx ends.
func (b *Budget) Run(ctx context.Context) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		b.Refresh(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Close tells Redis what it was not told yet.
func (b *Budget) Close(ctx context.Context) error { return b.flush(ctx) }

// Refresh is a round of Run.
func (b *Budget) Refresh(ctx context.Context) {
	set := b.options.Config().Budgets
	if b.options.Redis == nil || b.flush(ctx) != nil || !set.Any() {
		return
	}
	bounds := b.recent(set)
	if _, answers, err := b.run(ctx, operation{name: opRead, entries: b.entries(set, bounds, amounts{})}); err == nil {
		b.learn(bounds, answers)
	}
}

// recent are the service and the tenants that called lately. Asking about them does not count as a call.
func (b *Budget) recent(set config.Budgets) []bound {
	b.mu.Lock()
	defer b.mu.Unlock()
	since := b.options.Now().Add(-asksFor).Unix()
	bounds := boundsOf(config.Budgets{Service: set.Service}, "")
	for scope, a := range b.accounts {
		if scope != service && a.seen >= since && len(bounds) < askedAbout {
			bounds = append(bounds, bound{scope, limitsOf(set.Tenant)})
		}
	}
	return bounds
}

// flush tells Redis what it was not told yet. An error means that it was not told all.
func (b *Budget) flush(ctx context.Context) error {
	if b.options.Redis == nil || !b.owing() {
		return nil
	}
	if !b.flushing.TryLock() {
		return nil // another call does it now
	}
	defer b.flushing.Unlock()
	for {
		b.mu.Lock()
		if len(b.late) == 0 {
			b.mu.Unlock()
			break
		}
		r := b.late[0]
		b.mu.Unlock()
		if err := b.settleThere(ctx, r); err != nil {
			return err
		}
		b.mu.Lock()
		b.late = b.late[1:]
		b.mu.Unlock()
	}
	return b.pay(ctx)
}

// owing says whether Redis has not been told all, and bounds what it is to be told.
func (b *Budget) owing() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.late) > maxLate {
		b.late = b.late[:maxLate:maxLate]
	}
	if len(b.late) > 0 || len(b.debts) > 0 {
		return true
	}
	for _, a := range b.accounts {
		if a.used != (amounts{}) {
			return true
		}
	}
	return false
}

// settleThere settles a reservation in Redis. One that Redis has lost, with all that it was told last, is charged.
func (b *Budget) settleThere(ctx context.Context, r *reservation) error {
	if b.options.Now().Sub(r.began) >= lease {
		return nil // it counts whole
	}
	done, answers, err := b.run(ctx, operation{name: opSettle, id: r.id, entries: b.entries(b.options.Config().Budgets, r.bounds, r.took)})
	if err != nil {
		return err
	}
	b.learn(r.bounds, answers)
	if !done {
		b.owe(r)
	}
	return nil
}

// owe has Redis be charged for what a lost reservation took.
func (b *Budget) owe(r *reservation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, of := range r.bounds {
		a := b.accounts.at(of.scope, r.windows) // it may have been forgotten
		for i := range counters {
			if a.of(i, r.windows) {
				a.used[i] += r.took[i]
			}
		}
	}
}

// pay charges what was taken on this server's own account. Each charge is made once, however often it has to be sent.
func (b *Budget) pay(ctx context.Context) error {
	b.bill()
	for {
		b.mu.Lock()
		if len(b.debts) == 0 {
			b.mu.Unlock()
			return nil
		}
		o := b.debts[0]
		b.mu.Unlock()
		_, answers, err := b.run(ctx, *o)
		if err != nil {
			return err
		}
		b.mu.Lock()
		b.debts = b.debts[1:]
		b.mu.Unlock()
		b.paid(o, answers)
	}
}

// bill makes a charge of all that is owed, unless one waits already.
func (b *Budget) bill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.debts) > 0 {
		return
	}
	for scope, a := range b.accounts {
		if a.used == (amounts{}) {
			continue
		}
		b.debts = append(b.debts, &operation{
			name: opCharge, id: rand.Text(), entries: []entry{{scope: scope, amounts: a.used, windows: a.windows}},
		})
	}
}

// paid takes a charge off the account: Redis has it.
func (b *Budget) paid(o *operation, answers []told) {
	bounds := make([]bound, len(o.entries))
	b.mu.Lock()
	for n, e := range o.entries {
		bounds[n].scope = e.scope
		a := b.accounts.at(e.scope, [2]int64{})
		for i := range counters {
			if a.of(i, e.windows) {
				a.used[i] = max(0, a.used[i]-e.amounts[i])
			}
		}
	}
	b.mu.Unlock()
	b.learn(bounds, answers)
}
