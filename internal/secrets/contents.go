package secrets

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// contents is what is remembered of a Secret, by entry: no value, only what tells one value from another.
type contents map[string]entry

type entry struct {
	digest [sha256.Size]byte
	empty  bool
	// noKey says why the value is no caller's key; empty when it is one.
	noKey string
	// expires is when the last of its certificates does; zero when it holds none.
	expires time.Time
}

// version names one state of one Secret, for ever.
type version struct {
	uid             types.UID
	resourceVersion string
}

func inspect(data map[string][]byte) contents {
	noKeys := map[string]string{}
	for _, refused := range config.ParseAPIKeys(data).Refused {
		noKeys[refused.Entry] = refused.Why
	}
	c := make(contents, len(data))
	for name, value := range data {
		c[name] = entry{
			digest: sha256.Sum256(value), empty: len(value) == 0, noKey: noKeys[name],
			expires: lastToExpire(value),
		}
	}
	return c
}

// lastToExpire is the end of the certificate in PEM that is valid for longest. A bundle often holds authorities of before, which nobody
// needs any more; what servers trust is over when all of them are.
func lastToExpire(bundle []byte) (last time.Time) {
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" || len(block.Headers) > 0 {
			continue
		}
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil && certificate.NotAfter.After(last) {
			last = certificate.NotAfter
		}
	}
	return last
}

// metadata is what the cache knows of a Secret; nil when it knows none.
func (r *Reader) metadata(ctx context.Context, key types.NamespacedName) (*metav1.PartialObjectMetadata, error) {
	return secretMetadata(ctx, r.cache, key)
}

// liveMetadata asks the API server, for a Secret that the cache may not know yet.
func (r *Reader) liveMetadata(ctx context.Context, key types.NamespacedName) (*metav1.PartialObjectMetadata, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return secretMetadata(ctx, r.live, key)
}

func secretMetadata(ctx context.Context, reader client.Reader, key types.NamespacedName) (*metav1.PartialObjectMetadata, error) {
	meta := &metav1.PartialObjectMetadata{}
	meta.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	if err := reader.Get(ctx, key, meta); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return meta, nil
}

// contents reads the Secret that meta is of, unless that version has been read before; nil when it is gone.
func (r *Reader) contents(ctx context.Context, meta *metav1.PartialObjectMetadata) (contents, error) {
	known, _ := r.memo.Get(version{meta.UID, meta.ResourceVersion})
	if read, ok := known.(contents); ok {
		return read, nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var secret corev1.Secret
	if err := r.live.Get(ctx, client.ObjectKeyFromObject(meta), &secret); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		return nil, err
	}
	read := inspect(secret.Data)
	r.memo.Add(version{secret.UID, secret.ResourceVersion}, read)
	return read, nil
}
