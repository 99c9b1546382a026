package budget

// account is what a server knows of a scope, in windows that never go back, and what it let be taken without Redis.
type account struct {
	scope   string
	windows [2]int64 // by window: the id
	// settled is what was taken and reserved what was reserved besides, when Redis last told; none without Redis.
	settled, reserved amounts
	// used was taken, and held is reserved, on this server's own account, of which Redis was not told yet.
	used, held amounts
	// refused is the limit by which a call was last refused in the window, with nothing reserved that could come back; 0 for none.
	refused amounts
	// seen is when a call was last made, in Unix seconds.
	seen int64
}

// roll begins the windows of the ids, where they are later ones.
func (a *account) roll(ids [2]int64) {
	for w := range ids {
		if ids[w] <= a.windows[w] {
			continue
		}
		a.windows[w] = ids[w]
		for i := range counters {
			if windowOf[i] == window(w) {
				a.settled[i], a.reserved[i], a.used[i], a.held[i], a.refused[i] = 0, 0, 0, 0, 0
			}
		}
	}
}

// of says whether counter i is still in the window of the ids.
func (a *account) of(i int, ids [2]int64) bool { return a.windows[windowOf[i]] == ids[windowOf[i]] }

// taken is what is known to be taken, reservations apart.
func (a *account) taken(i int) int64 { return a.settled[i] + a.used[i] }

// over is the first counter of which the limits leave no room for more: none (-1) when all have. Beside what is taken, it counts what is
// reserved, and of the rest only a share.
func (a *account) over(limits, more amounts, share int64) int {
	for i, limit := range limits {
		rest := max(0, limit-a.settled[i]-a.reserved[i]) / max(1, share)
		if limit > 0 && a.used[i]+a.held[i]+more[i] > rest {
			return i
		}
	}
	return -1
}

// spent is the first counter whose limit leaves no room for more, also when all that is reserved comes back; -1 for none.
func (a *account) spent(limits, more amounts) int {
	for i, limit := range limits {
		if limit > 0 && a.taken(i)+more[i] > limit {
			return i
		}
	}
	return -1
}

// idle says that nothing is lost when the account is forgotten.
func (a *account) idle() bool { return a.used == amounts{} && a.held == amounts{} }

// maxAccounts bounds the tenants that a server remembers: about 4 MB.
const maxAccounts = 10_000

// ledger has the accounts of a server. Its caller holds the mutex.
type ledger map[string]*account

// at is the account of a scope with its windows at least those of the ids. When there are too many, and none can be forgotten, further tenants
// share one: that is strict with newcomers and never gives anybody more.
func (l ledger) at(scope string, ids [2]int64) *account {
	a, ok := l[scope]
	if !ok && len(l) >= maxAccounts {
		l.forget()
		if len(l) >= maxAccounts {
			scope = tenantScope("")
			a, ok = l[scope]
		}
	}
	if !ok {
		a = &account{scope: scope}
		l[scope] = a
	}
	a.roll(ids)
	return a
}

func (l ledger) forget() {
	for scope, a := range l {
		if scope != service && a.idle() {
			delete(l, scope)
		}
	}
}
