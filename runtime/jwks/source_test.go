package jwks_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/jwks"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// issuer publishes keys over HTTP.
type issuer struct {
	*httptest.Server

	reads atomic.Int64
	mu    sync.Mutex
	serve http.HandlerFunc
}

func newIssuer(t *testing.T, ids ...string) *issuer {
	t.Helper()
	i := &issuer{}
	i.publish(t, ids...)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.reads.Add(1)
		i.mu.Lock()
		serve := i.serve
		i.mu.Unlock()
		serve(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) answer(serve http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.serve = serve
}

// publish has it publish new keys of those ids.
func (i *issuer) publish(t *testing.T, ids ...string) {
	t.Helper()
	text := keySet(t, ids...)
	i.answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
}

func keySet(t *testing.T, ids ...string) string {
	t.Helper()
	set := jose.JSONWebKeySet{}
	for _, id := range ids {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: &private.PublicKey, KeyID: id, Use: "sig"})
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// source has a clock that a test moves.
type source struct {
	jwks.Source

	mu       sync.Mutex
	now      time.Time
	settings config.JWT
}

func newSource(settings config.JWT) *source {
	s := &source{now: time.Now(), settings: settings}
	s.Settings = func() config.JWT { s.mu.Lock(); defer s.mu.Unlock(); return s.settings }
	s.Now = func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now }
	return s
}

func (s *source) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// has expects a key of that id, or none.
func (s *source) has(t *testing.T, id string, want bool) {
	t.Helper()
	keys, err := s.Keys(t.Context(), id)
	if err != nil || (len(keys) == 1) != want {
		t.Errorf("%q: %d keys, %v, want one: %t", id, len(keys), err, want)
	}
}

func TestKeysAreReadWhenTheyAreNeeded(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, "a")
	s := newSource(config.JWT{JWKSURL: i.URL})
	reads := func(want int64) {
		t.Helper()
		if got := i.reads.Load(); got != want {
			t.Errorf("the issuer was asked %d times, want %d", got, want)
		}
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { s.has(t, "a", true) })
	}
	all.Wait()
	reads(1)
	s.has(t, "", true) // the only one
	for n := range 20 {
		s.has(t, strings.Repeat("x", n+1), false)
	}
	reads(1) // a minute has not passed
	i.publish(t, "a", "b")
	s.pass(59 * time.Second)
	s.has(t, "b", false)
	s.pass(time.Second)
	s.has(t, "b", true)
	reads(2)
	s.has(t, "", false) // which of two is not said
}

// TestAWithdrawnKeyIsForgotten: tokens are served while newer keys are read, but after a pause they wait for these.
func TestAWithdrawnKeyIsForgotten(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, "a")
	s := newSource(config.JWT{JWKSURL: i.URL})
	s.has(t, "a", true)
	asked, goesOn := make(chan struct{}), make(chan struct{})
	text := keySet(t, "b")
	i.answer(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-goesOn
		_, _ = w.Write([]byte(text))
	})
	s.pass(5*time.Minute - time.Second)
	s.has(t, "a", true)
	if i.reads.Load() != 1 {
		t.Error("the issuer was asked again within five minutes")
	}
	s.pass(time.Second)
	s.has(t, "a", true)
	select {
	case <-asked:
	case <-time.After(30 * time.Second):
		t.Fatal("the keys were not looked at anew")
	}
	s.has(t, "a", true)
	close(goesOn)
	s.has(t, "b", true) // waits for the look
	s.has(t, "a", false)
	i.publish(t, "c")
	s.pass(10 * time.Minute)
	s.has(t, "b", false)
	s.has(t, "c", true)
}

// While an issuer does not answer, a token that comes after a pause waits for one look alone; those after it go on with the keys there are.
func TestTokensDoNotWaitAgainForAnIssuerThatFailed(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, "a")
	s := newSource(config.JWT{JWKSURL: i.URL})
	s.has(t, "a", true)
	i.answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	s.pass(10 * time.Minute)
	s.has(t, "a", true)
	hangs := make(chan struct{})
	defer close(hangs)
	i.answer(func(http.ResponseWriter, *http.Request) { <-hangs })
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // less than a look takes
	defer cancel()
	for range 9 {
		s.pass(time.Minute)
		if keys, err := s.Keys(ctx, "a"); err != nil || len(keys) != 1 {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
	}
	if n := i.reads.Load(); n < 2 {
		t.Errorf("the issuer was asked %d times", n)
	}
}

func TestShortKeysAreTold(t *testing.T) {
	t.Parallel()
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	with := func(ids ...string) string {
		var set jose.JSONWebKeySet
		if err := json.Unmarshal([]byte(keySet(t, ids...)), &set); err != nil {
			t.Fatal(err)
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: &short.PublicKey, KeyID: "short", Use: "sig"})
		text, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	i := newIssuer(t)
	for name, settings := range map[string]config.JWT{"of an issuer": {JWKSURL: i.URL}, "given": {JWKS: with("a")}} {
		text := with("a")
		i.answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
		s := newSource(settings)
		var told []int
		s.OnWeak = func(keys int) { told = append(told, keys) }
		for range 3 {
			s.has(t, "a", true)
			s.has(t, "short", false)
			s.pass(10 * time.Minute)
		}
		if !slices.Equal(told, []int{1}) {
			t.Errorf("%s: told %v, want one key once", name, told)
		}
	}
}

func TestKeysThatWereReadHoldWhileTheIssuerFails(t *testing.T) {
	t.Parallel()
	elsewhere, text := newIssuer(t, "a"), keySet(t, "a") // good keys: only how they are given is wrong
	for name, fault := range map[string]http.HandlerFunc{
		"an error":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"no keys":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"a page":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`<html>`)) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"too much": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(text + strings.Repeat(" ", 1<<20)))
		},
		"a broken line": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, "a")
			s := newSource(config.JWT{JWKSURL: i.URL})
			failed := make(chan error, 10)
			s.OnFetch = func(err error) { failed <- err }
			s.has(t, "a", true)
			if err := <-failed; err != nil {
				t.Fatal(err)
			}
			i.answer(fault)
			s.pass(2 * time.Hour)
			s.has(t, "a", true)
			if err := <-failed; err == nil {
				t.Error("the fault was not told")
			}
			s.has(t, "a", true)

			never := newSource(config.JWT{JWKSURL: i.URL})
			for range 3 {
				if _, err := never.Keys(t.Context(), "a"); !errors.Is(err, rag.ErrOverloaded) {
					t.Errorf("keys that were never read: %v, want overloaded", err)
				}
			}
			i.publish(t, "a")
			never.pass(5 * time.Second)
			never.has(t, "a", true)
		})
	}
}

func TestKeysFollowTheConfiguration(t *testing.T) {
	t.Parallel()
	first, second := newIssuer(t, "a"), newIssuer(t, "b")
	s := newSource(config.JWT{JWKSURL: first.URL})
	s.has(t, "a", true)
	s.settings = config.JWT{JWKSURL: second.URL}
	s.has(t, "b", true)
	s.has(t, "a", false)
	s.settings = config.JWT{JWKS: keySet(t, "c")}
	s.has(t, "c", true)
	s.has(t, "b", false)
}

func TestWhoLeavesDoesNotWaitForTheIssuer(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	hangs := make(chan struct{})
	defer close(hangs)
	i.answer(func(http.ResponseWriter, *http.Request) { <-hangs })
	s := newSource(config.JWT{JWKSURL: i.URL})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Keys(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want canceled", err)
	}
}
