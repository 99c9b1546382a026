package secrets

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// generated is a Secret that the operator generates once.
type generated struct {
	name     string
	generate func() map[string][]byte
	// needs are the entries without which users cannot run.
	needs []string
	users []desired.Component
	// renew makes new contents out of those of before; nil where generate does. asked says that somebody asks for them.
	renew func(old map[string][]byte, asked bool) map[string][]byte
	// due says that contents have to be renewed without being asked; nil for contents that last.
	due func(contents) bool
}

// generated looks for a Secret of ours, or generates a candidate; nil when the name is taken by a Secret that is not ours.
// The roll hash of a candidate is that of the Secret it becomes, so the pass that makes it and the next agree.
func (s *resolver) generated(ctx context.Context, want generated) (contents, error) {
	meta, err := s.own(ctx, want.name)
	if err != nil {
		return nil, err
	}
	var found contents
	if meta != nil {
		switch desired.OwnershipOf(meta, s.rag) {
		case desired.Own:
			s.facts.Controlled[want.name] = metav1.IsControlledBy(meta, s.rag)
			if found, err = s.contents(ctx, meta); err != nil {
				return nil, err
			}
			if err := s.rotation(ctx, want, meta, found); err != nil {
				return nil, err
			}
		case desired.Earlier: // a candidate waits until it is gone
		default:
			s.generatedProblem(want, "", v1alpha1.ReasonNameConflict)
			return nil, nil
		}
	}
	if found == nil {
		data := want.generate()
		s.facts.Candidates = append(s.facts.Candidates, desired.GeneratedSecret{
			Name: want.name, Data: data, Users: want.users,
		})
		found = inspect(data)
	}
	for _, key := range want.needs {
		if value, ok := found[key]; !ok || value.empty {
			s.generatedProblem(want, key, v1alpha1.ReasonSecretKeyNotFound)
		}
	}
	return found, nil
}

// rotation notes new contents for a Secret that somebody asks for, or that are due. The pass that they bring goes on with those of before;
// the next one reads them, and rolls their users.
func (s *resolver) rotation(ctx context.Context, want generated, meta *metav1.PartialObjectMetadata, found contents) error {
	at := meta.Annotations[v1alpha1.AnnotationRotateAt]
	if at == meta.Annotations[desired.AnnotationRotatedAt] {
		at = ""
	}
	if found == nil || at == "" && (want.due == nil || !want.due(found)) {
		return nil
	}
	r := desired.RotateSecret{Name: want.name, UID: meta.UID, ResourceVersion: meta.ResourceVersion, At: at}
	if want.renew == nil {
		r.Data = want.generate()
	} else {
		old, err := s.dataOf(ctx, meta)
		if err != nil {
			return err
		}
		r.Data = want.renew(old, at != "")
	}
	s.facts.Rotations = append(s.facts.Rotations, r)
	return nil
}

// dataOf are the values of a Secret of ours, for what is made out of them at once. If they are of a later version than meta, what is made
// is refused by the API server, and made again.
func (s *resolver) dataOf(ctx context.Context, meta *metav1.PartialObjectMetadata) (map[string][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var secret corev1.Secret
	if err := s.live.Get(ctx, client.ObjectKeyFromObject(meta), &secret); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return secret.Data, nil
}

// own is the metadata of a Secret of a generated name; nil when there is none. The cache may not know yet what the pass
// before has made, and a second candidate would change hashes, so its no is not taken for one.
func (s *resolver) own(ctx context.Context, name string) (*metav1.PartialObjectMetadata, error) {
	meta, err := s.metadata(ctx, s.key(name))
	if meta != nil || err != nil {
		return meta, err
	}
	return s.liveMetadata(ctx, s.key(name))
}

func (s *resolver) generatedProblem(want generated, key, reason string) {
	stores := slices.DeleteFunc(slices.Clone(want.users), func(c desired.Component) bool {
		return c == desired.ComponentServer
	})
	s.problem(desired.SecretProblem{Field: desired.FieldOfGenerated, Secret: want.name, Key: key, Reason: reason}, stores...)
}
