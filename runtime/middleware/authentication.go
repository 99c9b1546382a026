package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// What the names of callers begin with, so that no two ways to say who one is give two callers one name, and one bucket.
const (
	keyCaller     = "key:"
	addressCaller = "addr:"
	subjectCaller = "sub:"
	headerCaller  = "user:"
)

// Authenticator finds out who sends a request, in one way to say so.
type Authenticator interface {
	// Authenticate returns who asks, or ErrUnauthorized.
	Authenticate(r *http.Request) (rag.Identity, error)
}

// Authentication tells who a request comes from, and what they may do.
type Authentication struct {
	// Mode is asked for each request; Modes has what each mode does.
	Mode  func() config.AuthMode
	Modes map[config.AuthMode]Authenticator
	// Proxies is asked which address is a client's, when failed authentication is counted; nil trusts none.
	Proxies func() config.TrustedProxies

	failures failures
}

// identify is who asks, or ErrUnauthorized, ErrForbidden, or ErrRateLimit for an address that tried too many wrong keys.
func (a *Authentication) identify(r *http.Request, role rag.Role) (rag.Identity, error) {
	mode, ok := a.Modes[a.Mode()]
	if !ok {
		return rag.Identity{}, fmt.Errorf("no authenticator for mode %q", a.Mode())
	}
	id, err := mode.Authenticate(r)
	if err == nil {
		err = authorize(id, role)
	}
	if rag.KindOf(err) == rag.ErrUnauthorized && !errors.Is(err, errExpired) && carriesKey(r.Header) {
		err = a.countFailure(r, err)
	}
	return id, err
}

// authorize checks that id has the role. Who has said nothing of themselves is asked to.
func authorize(id rag.Identity, role rag.Role) error {
	switch {
	case role != rag.RoleAdmin || id.Role == rag.RoleAdmin:
		return nil
	case strings.HasPrefix(id.Name, addressCaller):
		return unauthorized("this needs an administrator's key, as Authorization: Bearer <key> or X-API-Key: <key>")
	default:
		return &rag.Error{Kind: rag.ErrForbidden, Message: "this needs an administrator's key"}
	}
}

// countFailure counts a failed authentication; after too many from one network it refuses to say more.
func (a *Authentication) countFailure(r *http.Request, err error) error {
	wait, tooMany := a.failures.add(clientNetwork(r, trusted(a.Proxies)), time.Now())
	if !tooMany {
		return err
	}
	return &rag.Error{
		Kind: rag.ErrRateLimit, Message: fmt.Sprintf("Rate limit of %d failed authentications per minute exceeded", failuresPerMinute),
		Details: map[string]any{"limit": failuresPerMinute, "endpoint": "authentication"}, RetryAfter: wait, Cause: err,
	}
}

// Anonymous lets anybody ask: callers are known by their address. One with a known key is who the key says.
type Anonymous struct {
	Keys *Keyring
	// Hasher hides the address in the name.
	Hasher logging.Hasher
	// Proxies is asked which address is a client's; nil trusts none.
	Proxies func() config.TrustedProxies
	// LoopbackAdmin makes callers of this machine administrators, for a server that one person tries. Whoever runs a
	// proxy or a forwarder on the same machine lets strangers in with it: those look like callers of this machine.
	LoopbackAdmin bool
}

// Authenticate never asks for a key. An unknown one counts as none, since many client libraries cannot send none;
// an Authorization that is for something else is not ours to read.
func (a Anonymous) Authenticate(r *http.Request) (rag.Identity, error) {
	key, err := credentials(r.Header)
	if err != nil && !errors.Is(err, errScheme) {
		return rag.Identity{}, err
	}
	if id, known := a.Keys.find(key); known {
		return id, nil
	}
	id := rag.Identity{Name: addressCaller + a.Hasher.Address(clientNetwork(r, trusted(a.Proxies))), Role: rag.RoleClient}
	if a.LoopbackAdmin && fromThisMachine(r) {
		id.Role = rag.RoleAdmin
	}
	return id, nil
}

func trusted(proxies func() config.TrustedProxies) config.TrustedProxies {
	if proxies == nil {
		return config.TrustedProxies{}
	}
	return proxies()
}

// errScheme is an Authorization of a scheme that carries no key; X-API-Key may carry one beside it.
var errScheme = unauthorized("the scheme of Authorization must be Bearer")

// credentials is the key that a request carries, in either header; empty when it carries none.
func credentials(h http.Header) (string, error) {
	bearers, keys := h["Authorization"], h["X-Api-Key"]
	if len(bearers) > 1 || len(keys) > 1 {
		return "", unauthorized("a key must be sent once")
	}
	var key string
	if len(keys) == 1 {
		key = strings.TrimSpace(keys[0])
	}
	if len(bearers) == 0 {
		return key, nil
	}
	scheme, bearer, _ := strings.Cut(strings.TrimSpace(bearers[0]), " ")
	bearer = strings.TrimSpace(bearer)
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		return key, errScheme
	case key != "" && key != bearer:
		return "", unauthorized("Authorization and X-API-Key carry different keys")
	}
	return bearer, nil
}

// carriesKey says whether a request that was refused tried a key; one without is no guess.
func carriesKey(h http.Header) bool {
	key, err := credentials(h)
	return key != "" || err != nil && !errors.Is(err, errScheme)
}

func unauthorized(message string) error {
	return &rag.Error{Kind: rag.ErrUnauthorized, Message: message}
}
