package secrets

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
			s.rotation(want, meta)
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

// rotation notes new contents for a Secret that somebody asks for. The pass that they bring goes on with those of before; the next one
// reads them, and rolls their users.
func (s *resolver) rotation(want generated, meta *metav1.PartialObjectMetadata) {
	at := meta.Annotations[v1alpha1.AnnotationRotateAt]
	if at == "" || at == meta.Annotations[desired.AnnotationRotatedAt] {
		return
	}
	s.facts.Rotations = append(s.facts.Rotations, desired.RotateSecret{
		Name: want.name, UID: meta.UID, ResourceVersion: meta.ResourceVersion, Data: want.generate(), At: at,
	})
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
