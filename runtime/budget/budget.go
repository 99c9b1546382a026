package budget

import (
	"cmp"
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

// Options say where accounts are kept, and who is told.
type Options struct {
	// Redis keeps the accounts; nil for a server that runs alone and keeps them itself, until it ends.
	Redis *resilience.Redis
	// Config is read for each call.
	Config func() *config.Config
	// Now is the clock of windows while Redis is lost, or is none; nil for time.Now. Else they go by Redis's clock.
	Now func() time.Time
	// OnExceeded is told each call for which there was no room; nil for nobody.
	OnExceeded func(ctx context.Context, e Exceeded)
}

// Exceeded is a call for which there was no room.
type Exceeded struct {
	// Budget is one of Names; Label and Window are what metrics call it.
	Budget, Label, Window string
	// Tenant is whose budget it is; empty for the service's.
	Tenant string
	// Limit is in tokens or US dollars.
	Limit    float64
	ResetsAt time.Time
	Action   config.BudgetAction
	// First says that it is the first such call of the window that this server knows of.
	First bool
}

// Budget is rag.Budget. It is safe for concurrent use.
type Budget struct {
	options Options

	mu       sync.Mutex
	accounts ledger
	late     []*reservation // settlements that Redis was not told yet
	debts    []*operation   // charges that Redis may not have been told yet; the first one is tried again as it is

	flushing sync.Mutex // held by who tells Redis
}

// New returns a Budget of which nothing was taken.
func New(o Options) *Budget {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnExceeded == nil {
		o.OnExceeded = func(context.Context, Exceeded) {}
	}
	return &Budget{options: o, accounts: ledger{}}
}

// reservation is what a call may take, until it is settled.
type reservation struct {
	id      string
	bounds  []bound
	amounts amounts
	windows [2]int64
	// local says that it is on this server's own account, of which share is what it may take of what is left: one part of so many.
	local bool
	share int64
	// held are the scopes of this server's accounts that it is on.
	held []string
	// unsure says that Redis may hold it, although it did not say so.
	unsure bool
	took   amounts
	began  time.Time
}

// ids are the windows of now by the server's clock.
func (b *Budget) ids(set config.Budgets) [2]int64 {
	now := b.options.Now().In(set.Location())
	return [2]int64{day.id(now), month.id(now)}
}

// Any implements rag.Budget.
func (b *Budget) Any() bool { return b.options.Config().Budgets.Any() }

// Check implements rag.Budget.
func (b *Budget) Check(ctx context.Context, tenant string, most rag.Cost) error {
	set := b.options.Config().Budgets
	if !set.Any() || set.OnExceeded == config.BudgetAlert {
		return nil
	}
	bounds, more := boundsOf(set, tenant), amountsOf(most)
	b.mu.Lock()
	ids := b.ids(set)
	for _, of := range bounds {
		a := b.accounts.at(of.scope, ids)
		if i := a.spent(of.limits, more); i >= 0 {
			e := b.exceeded(set, a, of, i)
			b.mu.Unlock()
			b.options.OnExceeded(ctx, e)
			return b.refusal(set, e, true)
		}
	}
	b.mu.Unlock()
	return nil
}

// Reserve implements rag.Budget. While Redis is lost, each server takes from its share of what was left when it last knew.
func (b *Budget) Reserve(ctx context.Context, tenant string, most rag.Cost) (func(rag.Cost), error) {
	set := b.options.Config().Budgets
	if !set.Any() {
		return func(rag.Cost) {}, nil
	}
	r := &reservation{id: rand.Text(), bounds: boundsOf(set, tenant), amounts: amountsOf(most), began: b.options.Now()}
	admitted := b.reserve(ctx, set, r)
	if !admitted {
		if err := b.explain(ctx, set, r); set.OnExceeded != config.BudgetAlert {
			return nil, err
		}
	}
	var once sync.Once
	return func(took rag.Cost) {
		once.Do(func() { b.settle(context.WithoutCancel(ctx), r, amountsOf(took)) })
	}, nil
}

// reserve says whether there is room. Under Alert it reserves in any case.
func (b *Budget) reserve(ctx context.Context, set config.Budgets, r *reservation) bool {
	enforced := set.OnExceeded != config.BudgetAlert
	r.share = 1
	if b.options.Redis != nil {
		// Who leaves is decided about as who stays: Redis may have reserved already.
		detached := context.WithoutCancel(ctx)
		if b.flush(detached) == nil {
			done, answers, err := b.run(detached, operation{name: opReserve, id: r.id, enforced: enforced, entries: b.entries(set, r.bounds, r.amounts)})
			if err == nil {
				b.learn(r.bounds, answers)
				r.windows = answers[0].windows
				return done
			}
			r.unsure = true
		}
		r.share = int64(b.options.Config().Service.Replicas)
	}
	fits := b.reserveHere(set, r, enforced)
	if !fits && enforced {
		b.release(r)
	}
	return fits
}

// reserveHere reserves on this server's own account.
func (b *Budget) reserveHere(set config.Budgets, r *reservation, enforced bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.local, r.windows = true, b.ids(set)
	fits := true
	for _, of := range r.bounds {
		a := b.accounts.at(of.scope, r.windows)
		fits = fits && a.over(of.limits, r.amounts, r.share) < 0
	}
	if !fits && enforced {
		return false
	}
	for _, of := range r.bounds {
		a := b.accounts.at(of.scope, r.windows)
		r.held = append(r.held, a.scope)
		for i := range counters {
			a.held[i] += r.amounts[i]
		}
	}
	return fits
}

// settle has a reservation count as what was taken.
func (b *Budget) settle(ctx context.Context, r *reservation, took amounts) {
	r.took = took
	if !r.local {
		if b.settleThere(resilience.WithoutRedisBudget(ctx), r) != nil {
			b.later(r)
		}
		return
	}
	b.release(r)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, scope := range r.held {
		a := b.accounts.at(scope, r.windows)
		for i := range counters {
			if a.of(i, r.windows) {
				a.held[i] = max(0, a.held[i]-r.amounts[i])
				a.used[i] += took[i]
			}
		}
	}
}

// release gives back in Redis what is reserved on this server's own account: Redis may hold it as well, although it did not say so.
func (b *Budget) release(r *reservation) {
	if r.unsure {
		there := *r
		there.took = amounts{}
		b.later(&there)
	}
}

// later has Redis be told when it answers again.
func (b *Budget) later(r *reservation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.late = append(b.late, r)
}

// entries are those of an operation on the bounds' accounts.
func (b *Budget) entries(set config.Budgets, bounds []bound, of amounts) []entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	entries := make([]entry, len(bounds))
	ids := b.ids(set)
	for i, bound := range bounds {
		a := b.accounts.at(bound.scope, ids)
		if of != (amounts{}) {
			a.seen = b.options.Now().Unix()
		}
		entries[i] = entry{scope: bound.scope, amounts: of, limits: bound.limits, windows: a.windows, known: a.settled}
	}
	return entries
}

// learn keeps what Redis told of accounts. Answers may come in another order than they were given in: sums only grow.
func (b *Budget) learn(bounds []bound, answers []told) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n, of := range bounds {
		t := answers[n]
		a := b.accounts.at(of.scope, t.windows)
		for i := range counters {
			if a.of(i, t.windows) {
				a.settled[i], a.reserved[i] = max(a.settled[i], t.used[i]), t.reserved[i]
			}
		}
	}
}

// explain is the refusal of a reservation that did not fit.
func (b *Budget) explain(ctx context.Context, set config.Budgets, r *reservation) error {
	b.mu.Lock()
	e, spent := b.worst(set, r)
	b.mu.Unlock()
	b.options.OnExceeded(ctx, e)
	return b.refusal(set, e, spent)
}

// worst is the budget by which a reservation was refused: of several the one that is spent, and of those the one that lasts longest.
func (b *Budget) worst(set config.Budgets, r *reservation) (worst Exceeded, spent bool) {
	for _, of := range r.bounds {
		a := b.accounts.at(of.scope, r.windows)
		for i, limit := range of.limits {
			if limit == 0 {
				continue
			}
			only := amounts{}
			only[i] = limit
			gone := a.spent(only, r.amounts) == i
			if !gone && a.over(only, r.amounts, r.share) < 0 {
				continue
			}
			e := b.describe(set, a, of, i)
			if worst.Budget == "" || (gone && !spent) || (gone == spent && e.ResetsAt.After(worst.ResetsAt)) {
				worst, spent = e, gone
			}
			if gone {
				worst.First = worst.First || a.refused[i] != limit
				a.refused[i] = limit
			}
		}
	}
	if worst.Budget == "" { // there is room by now
		of, i := firstLimit(r.bounds)
		worst = b.describe(set, b.accounts.at(of.scope, r.windows), of, i)
	}
	return worst, spent
}

// exceeded notes that a budget is spent. The mutex is held.
func (b *Budget) exceeded(set config.Budgets, a *account, of bound, i int) Exceeded {
	e := b.describe(set, a, of, i)
	e.First = a.refused[i] != of.limits[i]
	a.refused[i] = of.limits[i]
	return e
}

func (b *Budget) describe(set config.Budgets, a *account, of bound, i int) Exceeded {
	e := Exceeded{
		Budget: names[i], Label: labels[i].budget, Window: labels[i].window,
		Limit:    value(i, of.limits[i]),
		ResetsAt: windowOf[i].end(a.windows[windowOf[i]], set.Location()),
		Action:   cmp.Or(set.OnExceeded, config.BudgetDeny),
	}
	if of.scope != service {
		e.Tenant = of.scope[len(tenantScope("")):]
	}
	return e
}
