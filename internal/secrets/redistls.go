package secrets

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
)

// How long certificates of a managed Redis are valid. Its own is renewed when two thirds have passed, which leaves four months to an
// operator that is away. An authority signs only what ends before it does.
const (
	certificateLife = 365 * 24 * time.Hour
	authorityLife   = 5 * certificateLife
	// clocksDiffer is how far clocks of nodes may be behind that of the operator.
	clocksDiffer = time.Hour
)

const fieldRedisTLS = "spec.redis.managed.tls"

var onlyRedis = []desired.Component{desired.ComponentRedisCache, desired.ComponentRedisState}

// redisCertificates looks for the certificates of a managed Redis. The servers roll for another authority, Redis for another certificate.
func (s *resolver) redisCertificates(ctx context.Context) error {
	if !serverconfig.ManagedRedisTLS(s.rag) {
		return nil
	}
	name := desired.RedisTLSSecretName(s.rag.Name)
	found, err := s.generated(ctx, generated{
		name: name,
		generate: func() map[string][]byte {
			return certificatesAfter(nil, true, s.rag, s.now())
		},
		renew: func(old map[string][]byte, asked bool) map[string][]byte {
			return certificatesAfter(old, asked, s.rag, s.now())
		},
		due:   func(found contents) bool { return !found[desired.RedisCertificateKey].renews.After(s.now()) },
		needs: []string{desired.RedisAuthoritiesKey, desired.RedisCertificateKey, desired.RedisCertificateKeyKey},
		users: hashed,
	})
	if found == nil || err != nil {
		return err
	}
	shown := found[desired.RedisCertificateKey]
	s.facts.Certificates = append(s.facts.Certificates, desired.Certificates{
		Field: fieldRedisTLS, Secret: name, Key: desired.RedisCertificateKey, Expires: shown.firstExpires, Renews: shown.renews,
	})
	s.uses = append(s.uses,
		use{name, desired.RedisAuthoritiesKey, found[desired.RedisAuthoritiesKey], onlyServer},
		use{name, desired.RedisCertificateKey, shown, onlyRedis},
		use{name, desired.RedisCertificateKeyKey, found[desired.RedisCertificateKeyKey], onlyRedis})
	return nil
}

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// certificatesAfter are new contents after those of before, if any. The authority stays unless another is asked for or it ends too soon.
//
// Pods of Redis and servers are replaced at the same time, in no order. So a new authority is known to both sides of the change: the bundle
// has the one of before too, for servers that are new and a Redis that is not, and the one of before signs the new one, for servers that
// are not new and a Redis that is. Of two in the bundle the later goes when a third comes, or when it has expired.
func certificatesAfter(old map[string][]byte, another bool, rag *v1alpha1.RAGService, now time.Time) map[string][]byte {
	trusted := certificatesOf(old[desired.RedisAuthoritiesKey])
	before, canSign := authorityOf(trusted, old[desired.RedisAuthorityKeyKey], now)
	signer := before
	var link []byte // from the authority of before to the new one
	if another || !canSign || before.certificate.NotAfter.Sub(now) < certificateLife {
		signer = newAuthority(rag.Name, now)
		if canSign {
			link = before.sign(signer.template(before.certificate.NotAfter), signer.key.Public())
		}
		trusted = append([]*x509.Certificate{signer.certificate}, trusted...)
	}
	var bundle []byte
	for i, certificate := range trusted[:min(2, len(trusted))] {
		if i == 0 || certificate.NotAfter.After(now) {
			bundle = append(bundle, encodePEM(pemCertificate, certificate.Raw)...)
		}
	}
	key := newKey()
	leaf := signer.sign(&x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{CommonName: rag.Name + "-redis"},
		DNSNames:     desired.RedisHosts(rag),
		NotBefore:    now.Add(-clocksDiffer),
		NotAfter:     earlier(now.Add(certificateLife), signer.certificate.NotAfter),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, key.Public())
	shown := encodePEM(pemCertificate, leaf)
	if link != nil {
		shown = append(shown, encodePEM(pemCertificate, link)...)
	}
	return map[string][]byte{
		desired.RedisAuthoritiesKey:    bundle,
		desired.RedisCertificateKey:    shown,
		desired.RedisCertificateKeyKey: encodeKey(key),
		desired.RedisAuthorityKeyKey:   encodeKey(signer.key),
	}
}

// authorityOf is the first of the authorities, if its key is there and it may still sign.
func authorityOf(trusted []*x509.Certificate, key []byte, now time.Time) (a authority, ok bool) {
	block, _ := pem.Decode(key)
	if block == nil || len(trusted) == 0 || !trusted[0].IsCA || !trusted[0].NotAfter.After(now) {
		return authority{}, false
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return authority{}, false
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !private.PublicKey.Equal(trusted[0].PublicKey) {
		return authority{}, false
	}
	return authority{trusted[0], private}, true
}

// newAuthority is one that nobody has signed.
func newAuthority(service string, now time.Time) authority {
	serial := newSerial()
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: service + "-redis " + serial.Text(36)[:8]}, // another has another name
		NotBefore:             now.Add(-clocksDiffer),
		NotAfter:              now.Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLen:            1, // it signs the next authority
	}
	key := newKey()
	signed := authority{template, key}.sign(template, key.Public())
	certificate, err := x509.ParseCertificate(signed)
	if err != nil {
		panic(err) // what was just made can be read
	}
	return authority{certificate, key}
}

// template is what another authority signs of this one.
func (a authority) template(ends time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               a.certificate.Subject,
		SubjectKeyId:          a.certificate.SubjectKeyId,
		NotBefore:             a.certificate.NotBefore,
		NotAfter:              earlier(ends, a.certificate.NotAfter),
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
	}
}

func (a authority) sign(template *x509.Certificate, public crypto.PublicKey) []byte {
	signed, err := x509.CreateCertificate(rand.Reader, template, a.certificate, public, a.key)
	if err != nil {
		panic(err) // a valid template and a key that fits, by authorityOf
	}
	return signed
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // the curve is known
	}
	return key
}

// newSerial is of 19 bytes, of which the first is not zero: a certificate's is positive, and at most 20.
func newSerial() *big.Int {
	bits := make([]byte, 19)
	_, _ = rand.Read(bits) // never fails: the program would end
	bits[0] |= 1
	return new(big.Int).SetBytes(bits)
}

const pemCertificate = "CERTIFICATE"

func encodePEM(kind string, data []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data})
}

func encodeKey(key crypto.Signer) []byte {
	data, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err) // a key of a known kind
	}
	return encodePEM("PRIVATE KEY", data)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
