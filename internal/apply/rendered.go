package apply

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// AnnotationAppliedHash is the hash of the object as it was rendered when it was last applied. It shows, also after a
// restart, that a field is no longer rendered, which comparing rendered fields cannot.
const AnnotationAppliedHash = "ragservice.dev/applied-hash"

// rendered is an object as it is sent: serialised once, since client.Apply writes the answer over what it is given.
type rendered struct {
	*unstructured.Unstructured
	component desired.Component
	hash      string
}

func render(o desired.Object) (rendered, error) {
	data, err := json.Marshal(o.Config)
	if err != nil {
		return rendered{}, fmt.Errorf("serialising: %w", err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(data); err != nil {
		return rendered{}, fmt.Errorf("reading what was serialised: %w", err)
	}
	sum := sha256.Sum256(data)
	r := rendered{Unstructured: u, component: o.Component, hash: hex.EncodeToString(sum[:16])}
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[AnnotationAppliedHash] = r.hash
	u.SetAnnotations(annotations)
	return r, nil
}

func (r rendered) ref() Ref { return Ref{r.component, r.GetKind(), r.GetName()} }

func (r rendered) key() client.ObjectKey { return client.ObjectKeyFromObject(r.Unstructured) }
