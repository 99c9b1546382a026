package config

import "time"

// Resilience is what the server does while what it needs is down, and while it has too much to do.
type Resilience struct {
	// Retries of a model for one answer, and the wait before the first, which doubles.
	Retries        int      `json:"retries"`
	InitialBackoff Duration `json:"initialBackoff"`
	// Failures in a row after which a dependency is not asked for OpenFor.
	Failures int      `json:"failures"`
	OpenFor  Duration `json:"openFor"`
	// MaxInFlight requests are worked on at once, others wait for QueueTimeout.
	MaxInFlight  int      `json:"maxInFlight"`
	QueueTimeout Duration `json:"queueTimeout"`
}

// OrDefault is r, or what holds where a configuration says nothing of it.
func (r Resilience) OrDefault() Resilience {
	if r != (Resilience{}) {
		return r
	}
	return Resilience{
		Retries:        3,
		InitialBackoff: Duration(time.Second),
		Failures:       5,
		OpenFor:        Duration(30 * time.Second),
		MaxInFlight:    256,
		QueueTimeout:   Duration(2 * time.Second),
	}
}

// Breaker is when a dependency counts as down, and for how long it is not asked then.
func (r Resilience) Breaker() (failures int, openFor time.Duration) {
	r = r.OrDefault()
	return r.Failures, r.OpenFor.D()
}

func (r Resilience) validate(p *problems) {
	r = r.OrDefault()
	p.need(r.Retries >= 0, "resilience.retries", "must be at least 0")
	p.need(r.InitialBackoff > 0, "resilience.initialBackoff", "must be more than 0s")
	p.need(r.Failures >= 1, "resilience.failures", "must be at least 1")
	p.need(r.OpenFor > 0, "resilience.openFor", "must be more than 0s")
	p.need(r.MaxInFlight >= 1, "resilience.maxInFlight", "must be at least 1")
	p.need(r.QueueTimeout >= 0, "resilience.queueTimeout", "must be at least 0s")
}
