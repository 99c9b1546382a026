// Package secrets reads the Secrets that a RAGService names, and those that the operator generates for it. It writes nothing.
//
// Secrets are watched as metadata, of all namespaces and without contents. The contents of those that a RAGService uses
// are read live, once for each version, and reduced to digests at once.
package secrets

import (
	"context"
	"fmt"
	"time"

	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// requestTimeout bounds a live read. There is no retry here: the reconciler's queue has one, with backoff.
const requestTimeout = 10 * time.Second

// memoSize is how many versions of Secrets are remembered: some hundred bytes each, for a thousand RAGServices.
const memoSize = 4096

// Reader reads the Secrets of RAGServices. It may be used by several goroutines.
type Reader struct {
	// cache knows the metadata of all Secrets.
	cache client.Reader
	live  client.Reader
	// memo holds contents by version.
	memo *lru.Cache
	now  func() time.Time
}

// NewReader returns a Reader. cache is the manager's cache, where Secrets are metadata; live asks the API server; now is the clock.
func NewReader(cache, live client.Reader, now func() time.Time) *Reader {
	return &Reader{cache: cache, live: live, memo: lru.New(memoSize), now: now}
}

// Read resolves the references of rag. A reference that does not resolve is a finding; only a request that fails is an error, so
// that nobody takes an API server that is away for a missing Secret.
func (r *Reader) Read(ctx context.Context, rag *v1alpha1.RAGService) (desired.SecretFacts, error) {
	s := &resolver{Reader: r, rag: rag, facts: desired.SecretFacts{Controlled: map[string]bool{}}}
	for _, step := range []func(context.Context) error{
		s.serverSecrets, s.ingressCertificate, s.callersKeys, s.redisPassword, s.redisCertificates, s.ownHashKeys, s.receiversSecrets,
	} {
		if err := step(ctx); err != nil {
			return desired.SecretFacts{}, fmt.Errorf("reading Secrets: %w", err)
		}
	}
	s.facts.RollHashes = s.rollHashes()
	return s.facts, nil
}
