package secrets

import (
	"context"
	"errors"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// fieldCallersKeys names the Secret of callers' keys.
const fieldCallersKeys = "spec.auth.apiKeysSecretRef"

// resolver is one look at the Secrets of one RAGService.
type resolver struct {
	*Reader
	rag   *v1alpha1.RAGService
	facts desired.SecretFacts
	// uses are the entries that pods depend on, and hashKeys the contents of the Secret that holds the key of their hashes.
	uses     []use
	hashKeys contents
}

// use is an entry of a Secret and the components whose pods depend on it.
type use struct {
	secret, key string
	value       entry
	components  []desired.Component
}

var (
	onlyServer = []desired.Component{desired.ComponentServer}
	// hashed are the components whose pods depend on a Secret: those that hold the password of Redis.
	hashed = desired.RedisClients()
)

func (s *resolver) key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: s.rag.Namespace, Name: name}
}

// problem notes a reference that does not resolve, and the stores besides the server that need it.
func (s *resolver) problem(p desired.SecretProblem, stores ...desired.Component) {
	p.Stores = stores
	s.facts.Problems = append(s.facts.Problems, p)
}

func (s *resolver) useAll(secret string, all contents, components []desired.Component) {
	for _, key := range slices.Sorted(maps.Keys(all)) {
		s.uses = append(s.uses, use{secret, key, all[key], components})
	}
}

// serverSecrets looks for the entries that servers mount.
func (s *resolver) serverSecrets(ctx context.Context) error {
	var errs []error
	looked := map[string]bool{}
	for _, named := range desired.ServerSecrets(s.rag) {
		if !looked[named.Field+named.Ref.Key] { // one Redis is mounted for both of its purposes
			looked[named.Field+named.Ref.Key] = true
			errs = append(errs, s.entryOfServers(ctx, named))
		}
	}
	return errors.Join(errs...)
}

func (s *resolver) entryOfServers(ctx context.Context, named desired.ServerSecret) error {
	ref := named.Ref
	found, err := s.referenced(ctx, ref.Name)
	if err != nil {
		return err
	}
	missing := desired.SecretProblem{Field: named.Field, Secret: ref.Name, Key: ref.Key}
	value, ok := found[ref.Key]
	switch {
	case found == nil:
		missing.Reason = v1alpha1.ReasonSecretNotFound
		s.problem(missing)
	case !ok || value.empty:
		missing.Reason = v1alpha1.ReasonSecretKeyNotFound
		s.problem(missing)
	case named.Certificates && value.expires.IsZero():
		missing.Reason = v1alpha1.ReasonSecretInvalid
		s.problem(missing)
	default:
		if named.Certificates {
			s.facts.Certificates = append(s.facts.Certificates, desired.Certificates{
				Field: named.Field, Secret: ref.Name, Key: ref.Key, Expires: value.expires,
			})
		}
		s.uses = append(s.uses, use{ref.Name, ref.Key, value, onlyServer})
	}
	return nil
}

// callersKeys looks for the Secret in which each entry is a caller's key, or generates one.
func (s *resolver) callersKeys(ctx context.Context) error {
	problem := desired.SecretProblem{Field: fieldCallersKeys, Secret: desired.APIKeysSecretName(s.rag)}
	var found contents
	var err error
	if s.rag.Spec.Auth.APIKeysSecretRef != nil {
		found, err = s.referenced(ctx, problem.Secret)
	} else {
		problem.Field = desired.FieldOfGenerated
		found, err = s.generated(ctx, generated{name: problem.Secret, generate: newAPIKeys, users: onlyServer})
		if found == nil {
			return err // a problem is noted
		}
	}
	switch {
	case err != nil:
		return err
	case found == nil:
		problem.Reason = v1alpha1.ReasonSecretNotFound
		s.problem(problem)
	default:
		s.checkKeys(problem, found)
	}
	return nil
}

// checkKeys notes the entries that are no keys. Servers leave them out, so they only hold one back that would know no caller. They
// take up others while they run: no pod is replaced for a caller's key.
func (s *resolver) checkKeys(problem desired.SecretProblem, found contents) {
	bad := slices.DeleteFunc(slices.Sorted(maps.Keys(found)), func(name string) bool { return found[name].noKey == "" })
	mode := s.rag.Spec.Auth.Mode
	needed := (mode == "" || mode == v1alpha1.AuthModeAPIKey) && len(bad) == len(found)
	if len(found) == 0 {
		if problem.Reason = v1alpha1.ReasonKeyRefused; needed {
			problem.Reason = v1alpha1.ReasonSecretKeyNotFound
		}
		s.problem(problem)
	}
	for _, name := range bad {
		problem.Key, problem.Detail = name, found[name].noKey
		if problem.Reason = v1alpha1.ReasonKeyRefused; needed {
			problem.Reason = v1alpha1.ReasonSecretInvalid
		}
		s.problem(problem)
	}
}

// referenced is a Secret that the spec names; nil when there is none. One that was just made and that the cache does
// not know yet is seen when its event arrives.
func (s *resolver) referenced(ctx context.Context, name string) (contents, error) {
	meta, err := s.metadata(ctx, s.key(name))
	if meta == nil || err != nil {
		return nil, err
	}
	return s.contents(ctx, meta)
}

func (s *resolver) redisPassword(ctx context.Context) error {
	if s.rag.Spec.Redis.External != nil {
		return s.externalRedis(ctx)
	}
	name := desired.RedisSecretName(s.rag.Name)
	found, err := s.generated(ctx, generated{
		name:     name,
		generate: newRedisPassword,
		needs:    []string{desired.RedisPasswordKey, desired.RedisAuthConfKey},
		users:    hashed,
	})
	s.useAll(name, found, hashed)
	return err
}

// ownHashKeys looks for the keys of hashes. Servers read the callers' when they start.
func (s *resolver) ownHashKeys(ctx context.Context) error {
	name := desired.HashKeysSecretName(s.rag.Name)
	var err error
	s.hashKeys, err = s.generated(ctx, generated{
		name: name, generate: newHashKeys, renew: rotatedHashKeys,
		needs: []string{desired.RollHashKey, desired.CallerHashKey}, users: hashed,
	})
	if key, ok := s.hashKeys[desired.CallerHashKey]; ok {
		s.uses = append(s.uses, use{name, desired.CallerHashKey, key, onlyServer})
	}
	return err
}
