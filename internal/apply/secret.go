package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// createSecrets makes the generated Secrets that do not exist. Where one cannot be made, or somebody else made it since they were
// read, its users wait for the next pass: their roll hashes speak of contents that nobody has.
func (p *pass) createSecrets(ctx context.Context, all []desired.GeneratedSecret) {
	for _, wanted := range all {
		created, err := p.createSecret(ctx, wanted)
		p.fail(Ref{Kind: "Secret", Name: wanted.Name}, err)
		if !created {
			p.held = append(p.held, wanted.Users...)
		}
	}
}

// createSecret never changes the contents of a Secret that exists: they are in use.
func (p *pass) createSecret(ctx context.Context, wanted desired.GeneratedSecret) (created bool, err error) {
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
			return false, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err = p.client.Create(ctx, secret, FieldOwner)
	switch {
	case apierrors.IsAlreadyExists(err):
		return false, p.checkSecret(ctx, client.ObjectKeyFromObject(secret))
	case err != nil:
		return false, err
	default:
		p.changes.Created = append(p.changes.Created, Ref{Kind: "Secret", Name: wanted.Name})
		return true, nil
	}
}

// checkSecret says what a Secret is that appeared since they were read. If it is ours, its event begins the next pass.
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

var errEncoding = errors.New("new contents cannot be encoded")

// rotateSecret writes new contents and that they were asked for in one patch, of the version that was read: one that is killed before it, or
// whose cache is behind, rotates nothing twice.
func (p *pass) rotateSecret(ctx context.Context, ref Ref, a desired.RotateSecret) error {
	metadata := map[string]any{"uid": a.UID, "resourceVersion": a.ResourceVersion}
	if a.At != "" {
		metadata["annotations"] = map[string]string{desired.AnnotationRotatedAt: a.At}
	}
	body, err := json.Marshal(map[string]any{"metadata": metadata, "data": a.Data})
	if err != nil {
		return errEncoding // its own words may hold the contents
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: p.rag.Namespace, Name: a.Name}}
	if err := p.client.Patch(ctx, secret, client.RawPatch(types.MergePatchType, body), FieldOwner); err != nil {
		return client.IgnoreNotFound(err)
	}
	if a.At != "" {
		p.changes.Rotated = append(p.changes.Rotated, ref)
	} else {
		p.changes.Renewed = append(p.changes.Renewed, ref)
	}
	return nil
}
