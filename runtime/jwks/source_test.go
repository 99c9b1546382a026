package jwks_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
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
	i.publish(t, "b")
	s.pass(time.Hour)
	s.has(t, "a", true) // old keys serve while newer ones are read
	for deadline := time.Now().Add(30 * time.Second); i.reads.Load() < 3 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		continue
	}
	reads(3)
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
