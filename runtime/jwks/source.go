package jwks

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// fetchPause is the least time between two looks at the issuer's keys: a token with an unknown key must not have it asked for each
	// request.
	fetchPause = time.Minute
	// firstPause is that while no keys are known.
	firstPause = 5 * time.Second
	// lookAfter is the age of keys that are looked at anew, beside the requests that they serve.
	lookAfter = 5 * time.Minute
	// waitAfter is how long ago the last look may be before a request waits for another: a key that the issuer has withdrawn counts no longer
	// than that, however seldom tokens come. After a look that has failed requests go on with the keys that they have.
	waitAfter = 10 * time.Minute
)

// Source has the keys of the issuer that the settings name. It is safe for concurrent use.
type Source struct {
	// Settings are asked for each token: another address, or other keys, take effect at once.
	Settings func() config.JWT
	// Roots sign the issuer's certificate; nil for the authorities of the system.
	Roots *x509.CertPool
	// OnFetch is told how each look at the issuer's keys ended; may be nil.
	OnFetch func(err error)
	// OnWeak is told, once for each number of them, of keys that are left out because they are too short; may be nil.
	OnWeak func(keys int)
	// Now is the clock; nil for time.Now.
	Now func() time.Time

	mu    sync.Mutex
	known set
	// fetching is closed when the look under way has ended; nil without one.
	fetching chan struct{}
	// tried is when the last look began, for the keys of triedPlace.
	tried      time.Time
	triedPlace string
	// looked is when the last look began that has ended.
	looked time.Time
	weak   int
	client *http.Client
}

// set is the keys of a place: of an address, or those of the configuration itself.
type set struct {
	place string
	keys  []jose.JSONWebKey
	at    time.Time
}

// of are the keys of an id; without one, the only key.
func (s set) of(id string) []jose.JSONWebKey {
	if id == "" && len(s.keys) == 1 {
		return s.keys
	}
	var found []jose.JSONWebKey
	for _, key := range s.keys {
		if id != "" && key.KeyID == id {
			found = append(found, key)
		}
	}
	return found
}

// Keys are those of the id. While it is not known, or the keys are old, they are looked at anew, within the pauses; requests that
// need what such a look may bring wait for it. The last keys that were read hold as long as no others can be.
func (s *Source) Keys(ctx context.Context, id string) ([]jose.JSONWebKey, error) {
	settings := s.Settings()
	if settings.JWKS != "" {
		return s.given(settings.JWKS, id)
	}
	for {
		at := s.look(settings.JWKSURL, id)
		switch {
		case len(at.found) > 0 && (!at.stale || at.fetching == nil):
			return at.found, nil
		case at.fetching == nil && !at.known:
			return nil, unreadable(errors.New("the last look at them has failed"))
		case at.fetching == nil:
			return nil, nil
		}
		select {
		case <-at.fetching:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// given are keys of the configuration, which has checked them.
func (s *Source) given(text, id string) ([]jose.JSONWebKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known.place != text {
		keys, weak, err := config.ParseJWKS([]byte(text))
		if err != nil {
			return nil, unreadable(err)
		}
		s.known = set{place: text, keys: keys}
		s.tellWeak(weak)
	}
	return s.known.of(id), nil
}

func unreadable(cause error) error {
	return &rag.Error{
		Kind: rag.ErrOverloaded, Message: "the keys that tokens are checked by cannot be read", RetryAfter: firstPause, Cause: cause,
	}
}

// tellWeak tells of keys that are too short, with the mutex held.
func (s *Source) tellWeak(keys int) {
	if s.weak != keys && keys > 0 && s.OnWeak != nil {
		s.OnWeak(keys)
	}
	s.weak = keys
}

// sight is what is known of the keys of an id.
type sight struct {
	found []jose.JSONWebKey
	// known says that any of the place are, stale that the last look at them is long ago.
	known, stale bool
	// fetching is closed at the end of a look at the issuer's that may bring them; nil when none is under way or due.
	fetching <-chan struct{}
}

func (s *Source) look(place, id string) (at sight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.Now != nil {
		now = s.Now()
	}
	pause := firstPause
	if at.known = s.known.place == place; at.known {
		at.found, pause = s.known.of(id), fetchPause
	}
	wanted := len(at.found) == 0 || now.Sub(s.known.at) >= lookAfter
	at.stale = now.Sub(s.looked) >= waitAfter
	if wanted && s.fetching == nil && (s.triedPlace != place || now.Sub(s.tried) >= pause) {
		if s.client == nil {
			s.client = newClient(s.Roots)
		}
		s.tried, s.triedPlace, s.fetching = now, place, make(chan struct{})
		go s.fetch(place, now, s.fetching)
	}
	if s.fetching != nil {
		at.fetching = s.fetching
	}
	return at
}

func (s *Source) fetch(place string, at time.Time, done chan struct{}) {
	keys, weak, err := read(s.client, place)
	s.mu.Lock()
	if err == nil {
		s.known = set{place: place, keys: keys, at: at}
		s.tellWeak(weak)
	}
	s.looked, s.fetching = at, nil
	s.mu.Unlock()
	close(done)
	if s.OnFetch != nil {
		s.OnFetch(err)
	}
}
