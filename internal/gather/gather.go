// Package gather reads all that a RAGService's objects depend on and that is not in the RAGService: the Secrets it
// names, those that the operator draws for it, and what runs. It writes nothing.
//
// Secrets are watched as metadata, of all namespaces and without contents. The contents of those that a RAGService uses
// are read live, once for each version, and reduced to digests at once.
package gather

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

// Gatherer reads the inputs of RAGServices. It may be used by several goroutines.
type Gatherer struct {
	// cache knows the metadata of all Secrets, and our workloads and pods.
	cache client.Reader
	live  client.Reader
	// operator is passed on.
	operator desired.OperatorOptions
	// memo holds contents by version.
	memo *lru.Cache
}

// New returns a Gatherer. cache is the manager's cache, where Secrets are metadata; live asks the API server.
func New(cache, live client.Reader, operator desired.OperatorOptions) *Gatherer {
	return &Gatherer{
		cache: cache, live: live, operator: operator, memo: lru.New(memoSize),
	}
}

// Gather reads the inputs of rag. A reference that does not resolve is a SecretProblem; an error means that something
// could not be read, and that nothing is known.
func (g *Gatherer) Gather(ctx context.Context, rag *v1alpha1.RAGService) (desired.Inputs, error) {
	secrets, err := g.secrets(ctx, rag)
	if err != nil {
		return desired.Inputs{}, err
	}
	openSearch, err := g.openSearch(ctx, rag)
	if err != nil {
		return desired.Inputs{}, err
	}
	classes, err := g.storageClasses(ctx, rag)
	if err != nil {
		return desired.Inputs{}, err
	}
	return desired.Inputs{
		Service:        rag,
		Operator:       g.operator,
		OpenSearch:     openSearch,
		StorageClasses: classes,
		Secrets:        secrets,
	}, nil
}

// secrets surveys the Secrets of rag, in the order of the spec and then of the generated ones.
func (g *Gatherer) secrets(ctx context.Context, rag *v1alpha1.RAGService) (desired.SecretFacts, error) {
	s := &survey{Gatherer: g, rag: rag, facts: desired.SecretFacts{Controlled: map[string]bool{}}}
	for _, step := range []func(context.Context) error{s.modelKey, s.modelCA, s.callersKeys, s.redisPassword, s.rollKey} {
		if err := step(ctx); err != nil {
			return desired.SecretFacts{}, fmt.Errorf("reading Secrets: %w", err)
		}
	}
	s.facts.RollHashes = s.rollHashes()
	return s.facts, nil
}
