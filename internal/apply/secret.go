package apply

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// createSecrets makes the generated Secrets that do not exist. Where one cannot be made, its users wait for it: their roll
// hashes speak of contents that nobody has.
func (p *pass) createSecrets(ctx context.Context, all []desired.GeneratedSecret) {
	for _, wanted := range all {
		if err := p.createSecret(ctx, wanted); err != nil {
			p.fail(Ref{Kind: "Secret", Name: wanted.Name}, err)
			p.held = append(p.held, wanted.Users...)
		}
	}
}

// createSecret never changes the contents of a Secret that exists: they are in use.
func (p *pass) createSecret(ctx context.Context, wanted desired.GeneratedSecret) error {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.rag.Namespace, Name: wanted.Name, Labels: desired.ServiceLabels(p.rag.Name),
			Annotations: map[string]string{desired.AnnotationServiceUID: string(p.rag.UID)},
		},
		Type: corev1.SecretTypeOpaque,
		Data: wanted.Data,
	}
	if wanted.GoesWithService {
		if err := controllerutil.SetControllerReference(p.rag, secret, p.scheme); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := p.client.Create(ctx, secret, FieldOwner)
	switch {
	case apierrors.IsAlreadyExists(err):
		return p.checkSecret(ctx, client.ObjectKeyFromObject(secret))
	case err != nil:
		return err
	default:
		p.changes.Created = append(p.changes.Created, Ref{Kind: "Secret", Name: wanted.Name})
		return nil
	}
}

// checkSecret is for a Secret that appeared since they were read: ours is as good as the generated one.
func (p *pass) checkSecret(ctx context.Context, key client.ObjectKey) error {
	meta := secretMetadata()
	if err := p.live.Get(ctx, key, meta); err != nil {
		return fmt.Errorf("reading it: %w", err)
	}
	return p.checkOwner(meta)
}

func secretMetadata() *metav1.PartialObjectMetadata {
	meta := &metav1.PartialObjectMetadata{}
	meta.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	return meta
}
