package resilience

// Outcome is how a call to a dependency ended: a label of metrics and a field of logs.
type Outcome string

// Outcomes of calls.
const (
	// OutcomeOK: it answered; that something does not exist is an answer.
	OutcomeOK Outcome = "ok"
	// OutcomeTimeout: no answer in the time allowed.
	OutcomeTimeout Outcome = "timeout"
	// OutcomeUnreachable: no connection, or it broke.
	OutcomeUnreachable Outcome = "unreachable"
	// OutcomeForeign: what answers at the address is something else, and was sent nothing; see ErrForeignStore.
	OutcomeForeign Outcome = "foreign_store"
	// OutcomeAuth: it refuses the password, or the user may not do what was asked.
	OutcomeAuth Outcome = "auth"
	// OutcomeUnready: it answers that it cannot work now; Redis, that it loads its data, runs a script or has too many
	// clients.
	OutcomeUnready Outcome = "unready"
	// OutcomeOOM: Redis is out of memory and evicts nothing. Reads still work.
	OutcomeOOM Outcome = "oom"
	// OutcomeReadOnly: Redis is a replica. Reads still work.
	OutcomeReadOnly Outcome = "readonly"
	// OutcomeTLS: its certificate is not trusted, or it does not speak TLS; it was sent nothing.
	OutcomeTLS Outcome = "tls"
	// OutcomeError: it answers with another error.
	OutcomeError Outcome = "error"
	// OutcomeBusy: the call was not made, because its turn did not come in time: this server has more work than calls.
	OutcomeBusy Outcome = "busy"
	// OutcomeCanceled: the caller gave up.
	OutcomeCanceled Outcome = "canceled"
	// OutcomeOpen: the call was not made, because the dependency is known to be down.
	OutcomeOpen Outcome = "open"
	// OutcomeSpent: the call was not made, because the request has waited for Redis long enough.
	OutcomeSpent Outcome = "spent"
)

// evidence is what an outcome shows about the dependency.
type evidence int

const (
	nothing evidence = iota
	up
	down
)

// shows says what an outcome shows about the dependency. An error answer that concerns one command alone shows that it is
// there; what makes every command fail or wait counts as a failure.
func (o Outcome) shows() evidence {
	switch o {
	case OutcomeOK, OutcomeOOM, OutcomeReadOnly, OutcomeError:
		return up
	case OutcomeTimeout, OutcomeUnreachable, OutcomeForeign, OutcomeTLS, OutcomeAuth, OutcomeUnready:
		return down
	default:
		return nothing
	}
}
