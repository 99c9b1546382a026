package middleware

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Identifier tells who a request comes from.
type Identifier struct {
	Keys *Keyring
	// Mode is asked for each request.
	Mode func() config.AuthMode
	// Hasher names callers without a key by their address.
	Hasher logging.Hasher
	// LoopbackAdmin makes anonymous callers of this machine administrators: for a server that runs alone.
	LoopbackAdmin bool

	failures failures
}

// identify finds out who asks and refuses who may not.
func (s *Stack) identify(role rag.Role) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, err := s.Identity.identify(r, role)
			if err != nil {
				if rag.KindOf(err) == rag.ErrUnauthorized {
					w.Header().Set("WWW-Authenticate", `Bearer realm="ragservice"`)
				}
				s.Fail(w, r, err)
				return
			}
			Of(r).Identity = id
			next.ServeHTTP(w, r.WithContext(logging.WithUser(r.Context(), id.Name)))
		})
	}
}

// identify is who asks, or ErrUnauthorized, ErrForbidden, or ErrRateLimit for an address that tried too many wrong keys.
func (i *Identifier) identify(r *http.Request, role rag.Role) (rag.Identity, error) {
	key, err := credentials(r.Header)
	if err != nil {
		return rag.Identity{}, i.refuse(r, err)
	}
	if id, known := i.Keys.find(key); known && key != "" {
		if role == rag.RoleAdmin && id.Role != rag.RoleAdmin {
			return id, &rag.Error{Kind: rag.ErrForbidden, Message: "this needs an administrator's key"}
		}
		return id, nil
	}
	if i.Mode() == config.AuthAnonymous {
		id := i.anonymous(r)
		if role == rag.RoleClient || id.Role == rag.RoleAdmin {
			return id, nil // an unknown key too: many client libraries cannot send none
		}
	}
	if key == "" {
		return rag.Identity{}, unauthorized("a key is needed, as Authorization: Bearer <key> or X-API-Key: <key>")
	}
	return rag.Identity{}, i.refuse(r, unauthorized("the key is not known"))
}

func (i *Identifier) anonymous(r *http.Request) rag.Identity {
	id := rag.Identity{Name: i.Hasher.Address(clientNetwork(r)), Role: rag.RoleClient}
	if i.LoopbackAdmin && fromThisMachine(r) {
		id.Role = rag.RoleAdmin
	}
	return id
}

// refuse counts a failed authentication; after too many from one network it refuses to say more.
func (i *Identifier) refuse(r *http.Request, err error) error {
	wait, tooMany := i.failures.add(clientNetwork(r), time.Now())
	if !tooMany {
		return err
	}
	return &rag.Error{
		Kind: rag.ErrRateLimit, Message: fmt.Sprintf("Rate limit of %d failed authentications per minute exceeded", failuresPerMinute),
		Details: map[string]any{"limit": failuresPerMinute, "endpoint": "authentication"}, RetryAfter: wait, Cause: err,
	}
}

// credentials is the key that a request carries, in either header; empty when it carries none.
func credentials(h http.Header) (string, error) {
	bearers, keys := h.Values("Authorization"), h.Values("X-Api-Key")
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
		return "", unauthorized("the scheme of Authorization must be Bearer")
	case key != "" && key != bearer:
		return "", unauthorized("Authorization and X-API-Key carry different keys")
	}
	return bearer, nil
}

func unauthorized(message string) error {
	return &rag.Error{Kind: rag.ErrUnauthorized, Message: message}
}
