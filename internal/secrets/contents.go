package secrets

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"slices"
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
	// firstExpires is when the first of them does, and renews when two thirds of its time have passed.
	firstExpires, renews time.Time
	// names are the hosts that the first of them is for, maxNames at most.
	names []string
}

// maxNames bounds what is remembered of a certificate: public authorities sign no more.
const maxNames = 100

// known is what is remembered of a Secret.
type known struct {
	kind    corev1.SecretType
	entries contents
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
		certificates := certificatesOf(value)
		e := entry{
			digest: sha256.Sum256(value), empty: len(value) == 0, noKey: noKeys[name],
			expires: lastToExpire(certificates),
		}
		if len(certificates) > 0 {
			first := certificates[0]
			e.firstExpires, e.renews = first.NotAfter, first.NotBefore.Add(first.NotAfter.Sub(first.NotBefore)/3*2)
			e.names = slices.Clone(first.DNSNames[:min(len(first.DNSNames), maxNames)])
		}
		c[name] = e
	}
	return c
}

// certificatesOf are those in PEM of an entry.
func certificatesOf(bundle []byte) (all []*x509.Certificate) {
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != pemCertificate || len(block.Headers) > 0 {
			continue
		}
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
			all = append(all, certificate)
		}
	}
	return all
}

// lastToExpire is the end of the certificate that is valid for longest. A bundle often holds authorities of before, which nobody
// needs any more; what servers trust is over when all of them are.
func lastToExpire(all []*x509.Certificate) (last time.Time) {
	for _, certificate := range all {
		if certificate.NotAfter.After(last) {
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

// contents are the entries of the Secret that meta is of; nil when it is gone.
func (r *Reader) contents(ctx context.Context, meta *metav1.PartialObjectMetadata) (contents, error) {
	secret, err := r.read(ctx, meta)
	if secret == nil {
		return nil, err
	}
	return secret.entries, nil
}

// read reads the Secret that meta is of, unless that version has been read before; nil when it is gone.
func (r *Reader) read(ctx context.Context, meta *metav1.PartialObjectMetadata) (*known, error) {
	before, _ := r.memo.Get(version{meta.UID, meta.ResourceVersion})
	if secret, ok := before.(*known); ok {
		return secret, nil
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
	read := &known{secret.Type, inspect(secret.Data)}
	r.memo.Add(version{secret.UID, secret.ResourceVersion}, read)
	return read, nil
}
