package httpapi_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/jwks"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// tokens are those of an issuer, which signs with an RSA key named a.
type tokens struct {
	t       *testing.T
	private *rsa.PrivateKey
	stray   *rsa.PrivateKey
	curve   *ecdsa.PrivateKey
}

const issuerName, audience = "https://login.example.com", "ragservice"

// withTokens has a fixture take them.
func withTokens(t *testing.T) (*tokens, option) {
	t.Helper()
	k := &tokens{t: t}
	var err error
	if k.private, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if k.stray, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if k.curve, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: &k.private.PublicKey, KeyID: "a", Use: "sig", Algorithm: "RS256"}, {Key: &k.curve.PublicKey, KeyID: "b"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return k, func(f *fixture) {
		f.config.Auth = config.Auth{Mode: config.AuthJWT, JWT: &config.JWT{
			Issuer: issuerName, Audiences: []string{"other", audience}, Algorithms: []string{"RS256", "PS256", "ES256"}, JWKS: string(set),
			TierClaim: "tier", TenantClaim: "https://example.com/tenant", RoleClaim: "roles", GroupsClaim: "groups",
		}}
		settings := func() config.JWT { return *f.config.Auth.JWT }
		f.api.Authentication.Modes[config.AuthJWT] = middleware.JWT{
			Settings: settings, Source: &jwks.Source{Settings: settings}, Hasher: logging.NewHasher([]byte("key of the fixture")),
		}
	}
}

// claims are good ones, with changes; nil takes one out.
func claims(changes map[string]any) map[string]any {
	all := map[string]any{
		"iss": issuerName, "aud": audience, "sub": "alice", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		"tier": "premium", "https://example.com/tenant": "acme",
	}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

func (k *tokens) sign(algorithm jose.SignatureAlgorithm, key any, id string, claims map[string]any) string {
	k.t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	if id != "" {
		options = options.WithHeader("kid", id)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		k.t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		k.t.Fatal(err)
	}
	return token
}

func (k *tokens) good(changes map[string]any) string {
	return k.sign(jose.RS256, k.private, "a", claims(changes))
}

// unsigned is a token of no algorithm, with good claims.
func (k *tokens) unsigned() string {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	return header + "." + strings.Split(k.good(nil), ".")[1] + "."
}

func TestTokensThatDoNotCount(t *testing.T) {
	k, tokens := withTokens(t)
	der, err := x509.MarshalPKIXPublicKey(&k.private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := k.good(nil)
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"none":                        "",
		"nonsense":                    "nonsense",
		"an API key":                  clientKey,
		"no signature":                k.unsigned(),
		"a signature cut off":         parts[0] + "." + parts[1] + ".",
		"other claims":                parts[0] + "." + strings.Split(k.good(map[string]any{"roles": "admin"}), ".")[1] + "." + parts[2],
		"the public key as a secret":  k.sign(jose.HS256, publicPEM, "a", claims(nil)),
		"another's key":               k.sign(jose.RS256, k.stray, "a", claims(nil)),
		"an algorithm not allowed":    k.sign(jose.RS512, k.private, "a", claims(nil)),
		"not its key's algorithm":     k.sign(jose.PS256, k.private, "a", claims(nil)),
		"an id that is not known":     k.sign(jose.RS256, k.private, "z", claims(nil)),
		"no id, of several keys":      k.sign(jose.RS256, k.private, "", claims(nil)),
		"the key of another":          k.sign(jose.RS256, k.private, "b", claims(nil)),
		"another issuer":              k.good(map[string]any{"iss": "https://evil.example.com"}),
		"no issuer":                   k.good(map[string]any{"iss": nil}),
		"another audience":            k.good(map[string]any{"aud": []string{"mail"}}),
		"no audience":                 k.good(map[string]any{"aud": nil}),
		"expired":                     k.good(map[string]any{"exp": time.Now().Add(-2 * time.Minute).Unix()}),
		"no end":                      k.good(map[string]any{"exp": nil}),
		"not yet valid":               k.good(map[string]any{"nbf": time.Now().Add(2 * time.Minute).Unix()}),
		"nobody":                      k.good(map[string]any{"sub": nil}),
		"a subject of another type":   k.good(map[string]any{"sub": 7}),
		"a list of tenants":           k.good(map[string]any{"https://example.com/tenant": []string{"acme"}}),
		"a number for a tenant":       k.good(map[string]any{"https://example.com/tenant": 42}),
		"an empty tenant":             k.good(map[string]any{"https://example.com/tenant": ""}),
		"a list of tiers":             k.good(map[string]any{"tier": []string{"premium"}}),
		"a tenant that cannot be one": k.good(map[string]any{"https://example.com/tenant": "a\x00"}),
		"a group that cannot be one":  k.good(map[string]any{"groups": []string{""}}),
		"more groups than may be":     k.good(map[string]any{"groups": strings.Split(strings.Repeat("g,", 256)+"g", ",")}),
		"too long":                    k.good(map[string]any{"padding": strings.Repeat("x", 20_000)}),
	} {
		f := start(t, tokens) // which has counted no failures
		got := f.call("GET", "/api/v1/stats", "", "X-API-Key: ", "Authorization: Bearer "+token)
		if got.status != 401 || got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		told := []string{"the token is not valid", "the token has expired", "a token is needed, as Authorization: Bearer <token>"}
		if !slices.Contains(told, got.message(t)) {
			t.Errorf("%s: the caller is told %s", name, got.body)
		}
		log := f.log.String()
		if strings.Contains(got.body, "not valid") && !strings.Contains(log, `"code":"unauthorized","error":"`) {
			t.Errorf("%s: the log does not tell why: %s", name, log)
		}
		if len(token) > 20 && strings.Contains(log, token[:20]) || strings.Contains(log, "alice") {
			t.Errorf("%s: the log holds a part of it: %s", name, log)
		}
	}
}

func TestTokensSayWhoAsks(t *testing.T) {
	k, tokens := withTokens(t)
	f := start(t, tokens)
	for name, tt := range map[string]struct {
		token         string
		tenant, limit string
		document      int
	}{
		"a client":                      {k.good(nil), "acme", "100", 403},
		"of another algorithm":          {k.sign(jose.ES256, k.curve, "b", claims(nil)), "acme", "100", 403},
		"of the default tier":           {k.good(map[string]any{"tier": nil}), "acme", "10", 403},
		"of a tier that is not known":   {k.good(map[string]any{"tier": "gold"}), "acme", "10", 403},
		"of the default tenant":         {k.good(map[string]any{"https://example.com/tenant": nil}), "default", "100", 403},
		"an administrator":              {k.good(map[string]any{"roles": "admin"}), "acme", "100", 200},
		"an administrator among others": {k.good(map[string]any{"roles": []string{"dev", "admin"}}), "acme", "100", 200},
		"with a role that is none":      {k.good(map[string]any{"roles": []string{"administrator"}}), "acme", "100", 403},
		"a minute late":                 {k.good(map[string]any{"exp": time.Now().Add(-30 * time.Second).Unix()}), "acme", "100", 403},
	} {
		as := "Authorization: Bearer " + tt.token
		if got := f.call("GET", "/api/v1/stats", "", "X-API-Key: ", as); got.status != 200 || got.fields(t)["tenant"] != tt.tenant {
			t.Errorf("%s: %d %s, want tenant %s", name, got.status, got.body, tt.tenant)
		}
		if got := f.call("POST", ask, `{"query":"x"}`, "X-API-Key: ", as); got.header.Get("X-RateLimit-Limit") != tt.limit {
			t.Errorf("%s: a limit of %s, want %s", name, got.header.Get("X-RateLimit-Limit"), tt.limit)
		}
		if got := f.call("GET", documents+"/a", "", "X-API-Key: ", as); got.status != tt.document {
			t.Errorf("%s: %d for a document, want %d", name, got.status, tt.document)
		}
	}
	if log := f.log.String(); strings.Contains(log, "alice") || !strings.Contains(log, `"user_id":"sub:`) {
		t.Error("the log does not name callers by a hash of their subject")
	}
}

// Behind one address there may be many clients whose tokens have expired: each is told so, while guesses are counted.
func TestExpiredTokensAreNoGuesses(t *testing.T) {
	k, tokens := withTokens(t)
	f := start(t, tokens)
	expired := k.good(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()})
	for range 30 {
		got := f.call("GET", "/api/v1/stats", "", "X-API-Key: ", "Authorization: Bearer "+expired)
		if got.status != 401 || got.message(t) != "the token has expired" {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	forged := k.sign(jose.RS256, k.stray, "a", claims(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}))
	status := 0
	for range 21 {
		status = f.call("GET", "/api/v1/stats", "", "X-API-Key: ", "Authorization: Bearer "+forged).status
	}
	if status != 429 {
		t.Errorf("%d after 21 forged tokens, want 429", status)
	}
}

func TestTrustedHeader(t *testing.T) {
	trusting := func(network string) option {
		return func(f *fixture) {
			f.config.Auth = config.Auth{Mode: config.AuthTrustedHeader, TrustedHeader: &config.TrustedHeader{
				Networks: []netip.Prefix{netip.MustParsePrefix(network)}, User: "X-Forwarded-User", Tier: "X-Tier", Tenant: "X-Tenant", Role: "X-Role", Groups: "X-Groups",
			}}
			f.api.Authentication.Modes[config.AuthTrustedHeader] = middleware.TrustedHeader{
				Settings: func() config.TrustedHeader { return *f.config.Auth.TrustedHeader },
				Hasher:   logging.NewHasher([]byte("key of the fixture")),
			}
		}
	}
	const noKey, user = "X-API-Key: ", "X-Forwarded-User: alice"
	f := start(t, trusting("127.0.0.0/8"))
	got := f.call("POST", ask, `{"query":"x"}`, noKey, user, "X-Tier: premium", "X-Tenant: acme")
	if got.status != 200 || got.header.Get("X-RateLimit-Limit") != "100" {
		t.Errorf("through the proxy: %d, limit %s", got.status, got.header.Get("X-RateLimit-Limit"))
	}
	if got := f.call("GET", documents+"/a", "", noKey, user); got.status != 403 {
		t.Errorf("a client: %d, want 403", got.status)
	}
	if got := f.call("GET", documents+"/a", "", noKey, user, "X-Role: admin"); got.status != 200 {
		t.Errorf("an administrator: %d", got.status)
	}
	for name, headers := range map[string][]string{
		"no user": {noKey, "X-Role: admin"}, "an empty tenant": {noKey, user, "X-Role: admin", "X-Tenant:  "}, "an API key": {"X-API-Key: " + adminKey},
		"a long name": {noKey, user + strings.Repeat("a", 512)}, "a tenant that cannot be one": {noKey, user, "X-Tenant: " + strings.Repeat("t", 129)},
		"more groups than may be": {noKey, user, "X-Groups: " + strings.Repeat("g,", 257)},
	} {
		got := f.call("GET", "/api/v1/stats", "", headers...)
		if got.status != 401 || got.message(t) != "the proxy does not say who asks as it must" {
			t.Errorf("%s: %d %s, want 401 and no more", name, got.status, got.body)
		}
	}
	if log := f.log.String(); !strings.Contains(log, "must be at most 256") {
		t.Error("the log does not say what is wrong with the groups")
	}
	if log := f.log.String(); strings.Contains(log, "alice") || !strings.Contains(log, `"user_id":"user:`) {
		t.Error("the log does not name callers by a hash of their name")
	}
	twice, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+"/api/v1/stats", nil)
	if err != nil {
		t.Fatal(err)
	}
	twice.Header["X-Forwarded-User"] = []string{"mallory", "alice"}
	if got := f.do(twice); got.status != 401 {
		t.Errorf("two users: %d, want 401", got.status)
	}
	elsewhere := start(t, trusting("10.0.0.0/8"))
	if got := elsewhere.call("GET", "/api/v1/stats", "", noKey, user, "X-Forwarded-For: 10.0.0.1"); got.status != 401 {
		t.Errorf("from another network, which says that it is the proxy's: %d, want 401", got.status)
	}
}

// Each way to say who one is brings the groups in whose name documents are found.
func TestGroupsOfCallers(t *testing.T) {
	k, tokens := withTokens(t)
	f := start(t, tokens, func(f *fixture) {
		f.keys.Replace([]config.APIKey{{Name: "carol", Key: clientKey, Groups: []string{"board", "law"}}})
		f.api.Authentication.Modes[config.AuthTrustedHeader] = middleware.TrustedHeader{
			Settings: func() config.TrustedHeader {
				return config.TrustedHeader{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, User: "X-User", Groups: "X-Groups"}
			},
			Hasher: logging.NewHasher([]byte("key of the fixture")),
		}
	})
	var groups []string
	f.service.search = func(_ context.Context, id rag.Identity, r rag.SearchRequest) (rag.SearchResult, error) {
		groups = id.Groups
		return rag.SearchResult{Query: r.Query}, nil
	}
	bearer := func(claim any) string { return "Authorization: Bearer " + k.good(map[string]any{"groups": claim}) }
	for name, tt := range map[string]struct {
		mode    config.AuthMode
		headers []string
		want    []string
	}{
		"a key":            {config.AuthAPIKey, nil, []string{"board", "law"}},
		"a token":          {config.AuthJWT, []string{"X-API-Key: ", bearer([]string{"board", "law"})}, []string{"board", "law"}},
		"a token with one": {config.AuthJWT, []string{"X-API-Key: ", bearer("board")}, []string{"board"}},
		"a token of none":  {config.AuthJWT, []string{"X-API-Key: ", bearer(nil)}, nil},
		"a header":         {config.AuthTrustedHeader, []string{"X-API-Key: ", "X-User: carol", "X-Groups: board, law,"}, []string{"board", "law"}},
		"no header":        {config.AuthTrustedHeader, []string{"X-API-Key: ", "X-User: carol"}, nil},
	} {
		f.config.Auth.Mode, groups = tt.mode, nil
		if got := f.call("POST", search, `{"query":"x"}`, tt.headers...); got.status != 200 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if diff := cmp.Diff(tt.want, groups); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
