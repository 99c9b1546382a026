package middleware

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// clockSkew is how far the clocks of issuer and server may be apart.
	clockSkew = time.Minute
	// maxToken bounds a token, in bytes: those in use have 1 to 4 kB.
	maxToken = 16 << 10
)

// KeySource has the keys of the issuer of tokens.
type KeySource interface {
	// Keys are those of the id, or the only one there is when that is empty; none when it is not known. An error says that they cannot be
	// known now.
	Keys(ctx context.Context, id string) ([]jose.JSONWebKey, error)
}

// JWT knows callers by tokens that an issuer has signed: it is the Authenticator of mode JWT.
type JWT struct {
	// Settings are asked for each request.
	Settings func() config.JWT
	Source   KeySource
	// Hasher hides the subject in the name.
	Hasher logging.Hasher
	// Now is the clock; nil for time.Now.
	Now func() time.Time
}

// Authenticate wants a token as the settings have it. What is wrong with one goes to the log alone, but that it has expired.
func (j JWT) Authenticate(r *http.Request) (rag.Identity, error) {
	raw, err := credentials(r.Header)
	switch {
	case err != nil:
		return rag.Identity{}, err
	case raw == "":
		return rag.Identity{}, unauthorized("a token is needed, as Authorization: Bearer <token>")
	case len(raw) > maxToken:
		return rag.Identity{}, invalidToken(errors.New("it is too long"))
	}
	settings := j.Settings()
	registered, claims, err := j.verify(r.Context(), raw, settings)
	if err != nil {
		return rag.Identity{}, err
	}
	tier, err := textClaim(claims, settings.TierClaim)
	if err != nil {
		return rag.Identity{}, err
	}
	tenant, err := textClaim(claims, settings.TenantClaim)
	if err != nil { // an administrator of a tenant must not become one of all
		return rag.Identity{}, err
	}
	role := ""
	if slices.Contains(texts(claims[settings.RoleClaim]), string(rag.RoleAdmin)) {
		role = string(rag.RoleAdmin)
	}
	id, err := vouched(subjectCaller+j.Hasher.Subject(registered.Subject), tier, tenant, role, texts(claims[settings.GroupsClaim]))
	if err != nil {
		return rag.Identity{}, invalidToken(err)
	}
	return id, nil
}

// verify checks the signature, and the claims that every token has (RFC 7519, section 4.1).
func (j JWT) verify(ctx context.Context, raw string, settings config.JWT) (registered jwt.Claims, claims map[string]any, err error) {
	algorithms := make([]jose.SignatureAlgorithm, len(settings.Algorithms))
	for i, name := range settings.Algorithms {
		algorithms[i] = jose.SignatureAlgorithm(name)
	}
	token, err := jwt.ParseSigned(raw, algorithms)
	if _, other := errors.AsType[*jose.ErrUnexpectedSignatureAlgorithm](err); other {
		return registered, nil, invalidToken(errors.New("its algorithm is not of the list"))
	}
	if err != nil { // it may quote what was sent
		return registered, nil, invalidToken(errors.New("it is no signed token in the compact form"))
	}
	header := token.Headers[0] // of the compact form, which has one signature
	keys, err := j.Source.Keys(ctx, header.KeyID)
	if err != nil {
		return registered, nil, err
	}
	err = errors.New("no key of the issuer has its id")
	for _, key := range keys {
		if key.Algorithm != "" && key.Algorithm != header.Algorithm {
			err = errors.New("its key is for another algorithm")
			continue
		}
		if err = token.Claims(key, &registered, &claims); err == nil {
			break
		}
	}
	if err != nil {
		return registered, nil, invalidToken(err)
	}
	return registered, claims, j.judge(registered, settings)
}

// errExpired is a good token that is too old, which is no guess.
var errExpired = unauthorized("the token has expired")

func (j JWT) judge(c jwt.Claims, settings config.JWT) error {
	now := time.Now
	if j.Now != nil {
		now = j.Now
	}
	err := c.ValidateWithLeeway(jwt.Expected{Issuer: settings.Issuer, AnyAudience: settings.Audiences, Time: now()}, clockSkew)
	switch {
	case errors.Is(err, jwt.ErrExpired):
		return errExpired
	case err != nil:
		return invalidToken(err)
	case c.Expiry == nil:
		return invalidToken(errors.New("it has no exp"))
	case c.Subject == "" || len(c.Subject) > maxCaller:
		return invalidToken(errors.New("sub must have 1 to 512 bytes"))
	}
	return nil
}

func invalidToken(cause error) error {
	return &rag.Error{Kind: rag.ErrUnauthorized, Message: "the token is not valid", Cause: cause}
}

// textClaim is a claim that is a text; empty when the token does not have it.
func textClaim(claims map[string]any, name string) (string, error) {
	claim, there := claims[name]
	text, ok := claim.(string)
	if there && (!ok || text == "") {
		return "", invalidToken(fmt.Errorf("its claim %s must be a text", name))
	}
	return text, nil
}

// texts are those of a claim that is one, or a list of them.
func texts(claim any) []string {
	if one, ok := claim.(string); ok {
		return []string{one}
	}
	list, _ := claim.([]any)
	var all []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			all = append(all, text)
		}
	}
	return all
}
