package secrets_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

const redisTLS = "papers-redis-tls"

const year = 365 * 24 * time.Hour

// newTLSWorld has all that is generated, and what the first pass says of it.
func newTLSWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, desiredtest.RedisTLS())
	w.adopt(w.read().Candidates)
	return w
}

// rotate does what apply does. It fails the test unless just the certificates of Redis are due.
func (w *world) rotate() {
	w.t.Helper()
	rotations := w.read().Rotations
	if len(rotations) != 1 || rotations[0].Name != redisTLS {
		w.t.Fatalf("rotations %v, want one of %s", names(rotations), redisTLS)
	}
	secret := w.certificates()
	if r := rotations[0]; r.UID != secret.UID || r.ResourceVersion != secret.ResourceVersion {
		w.t.Error("the rotation is of another version")
	}
	maps.Copy(secret.Data, rotations[0].Data)
	if at := rotations[0].At; at != "" {
		w.annotate(secret, desired.AnnotationRotatedAt, at)
	}
	if err := w.client.Update(w.t.Context(), secret); err != nil {
		w.t.Fatal(err)
	}
	if again := w.read().Rotations; len(again) > 0 {
		w.t.Errorf("then rotations %v", names(again))
	}
}

// ask asks for new contents.
func (w *world) ask(at string) {
	w.t.Helper()
	secret := w.certificates()
	w.annotate(secret, v1alpha1.AnnotationRotateAt, at)
	if err := w.client.Update(w.t.Context(), secret); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) annotate(secret *corev1.Secret, key, value string) {
	if secret.Annotations == nil {
		secret.Annotations = map[string]string{}
	}
	secret.Annotations[key] = value
}

func (w *world) certificates() *corev1.Secret {
	w.t.Helper()
	var secret corev1.Secret
	if err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: w.rag.Namespace, Name: redisTLS}, &secret); err != nil {
		w.t.Fatal(err)
	}
	return &secret
}

func names(all []desired.RotateSecret) (names []string) {
	for _, r := range all {
		names = append(names, r.Name)
	}
	return names
}

// verify connects in thought: a server that trusts the bundle of one Secret, at some time, to a Redis that shows what another has.
func verify(t *testing.T, trusts, shows map[string][]byte, host string, at time.Time) error {
	t.Helper()
	pair, err := tls.X509KeyPair(shows["tls.crt"], shows["tls.key"])
	if err != nil {
		t.Fatal(err)
	}
	options := x509.VerifyOptions{DNSName: host, Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: at}
	if !options.Roots.AppendCertsFromPEM(trusts["ca.crt"]) {
		t.Fatal("no authority")
	}
	for _, link := range pair.Certificate[1:] {
		certificate, err := x509.ParseCertificate(link)
		if err != nil {
			t.Fatal(err)
		}
		options.Intermediates.AddCert(certificate)
	}
	_, err = pair.Leaf.Verify(options)
	return err
}

func count(data []byte) (n int) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		n++
	}
	return n
}

func TestCertificatesOfRedisAreMadeWhereTheSpecSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, desiredtest.RedisTLS())
	first := w.read()
	drawn := byName(first.Candidates)[redisTLS]
	if diff := cmp.Diff([]string{"ca.crt", "ca.key", "tls.crt", "tls.key"}, slices.Sorted(maps.Keys(drawn))); diff != "" {
		t.Fatalf("entries (-want +got):\n%s", diff)
	}
	now := time.Now()
	for _, c := range []string{"cache", "state"} {
		for _, domain := range []string{"", "." + w.rag.Namespace, "." + w.rag.Namespace + ".svc"} {
			if err := verify(t, drawn, drawn, "papers-redis-"+c+domain, now); err != nil {
				t.Error(err)
			}
		}
	}
	if err := verify(t, drawn, drawn, "papers-opensearch."+w.rag.Namespace+".svc", now); err == nil {
		t.Error("the certificate is good for another host")
	}
	w.adopt(first.Candidates)
	second := w.read()
	if diff := cmp.Diff(first.RollHashes, second.RollHashes); diff != "" {
		t.Errorf("roll hashes (-drawn +found):\n%s", diff)
	}
	if len(second.Candidates)+len(second.Rotations) > 0 {
		t.Errorf("%d candidates, rotations %v", len(second.Candidates), names(second.Rotations))
	}
	of := second.Certificates
	if len(of) != 1 || of[0].Field != "spec.redis.managed.tls" || of[0].Secret != redisTLS || of[0].Key != "tls.crt" ||
		of[0].Expires.Sub(now).Round(time.Hour) != year || of[0].Renews.Sub(now).Round(24*time.Hour) != 243*24*time.Hour {
		t.Errorf("certificates %+v", of)
	}
	w.rag.Spec.Redis.Managed.TLS.Mode = v1alpha1.ManagedRedisTLSDisabled
	w.later = year
	if off := w.read(); len(off.Certificates)+len(off.Rotations) > 0 || off.RollHashes[desired.ComponentRedisCache] == second.RollHashes[desired.ComponentRedisCache] {
		t.Errorf("without TLS: certificates %v, rotations %v", off.Certificates, names(off.Rotations))
	}
}

// TestCertificateOfRedisIsRenewed when two thirds of its time have passed, by the same authority: servers, which trust that, do not roll.
func TestCertificateOfRedisIsRenewed(t *testing.T) {
	t.Parallel()
	w := newTLSWorld(t)
	w.later = 242 * 24 * time.Hour
	before, old := w.read(), w.certificates().Data
	if len(before.Rotations) > 0 {
		t.Fatal("it is renewed too soon")
	}
	w.later = 244 * 24 * time.Hour
	w.rotate()
	renewed, after := w.certificates(), w.read()
	if !bytes.Equal(renewed.Data["ca.crt"], old["ca.crt"]) || bytes.Equal(renewed.Data["tls.key"], old["tls.key"]) {
		t.Error("the authority is another one, or the key the same")
	}
	if _, marked := renewed.Annotations[desired.AnnotationRotatedAt]; marked {
		t.Error("it is marked as asked for")
	}
	for c, rolls := range map[desired.Component]bool{
		desired.ComponentServer: false, desired.ComponentRedisCache: true, desired.ComponentRedisState: true,
	} {
		if rolled := after.RollHashes[c] != before.RollHashes[c]; rolled != rolls {
			t.Errorf("%s rolls: %t, want %t", c, rolled, rolls)
		}
	}
	if err := verify(t, old, renewed.Data, "papers-redis-cache", time.Now().Add(w.later+year/2)); err != nil {
		t.Error(err)
	}
}

// TestAuthoritiesOfRedisFollowEachOther so that servers and Redis may be replaced in any order: each of both sides, new or old, trusts each of the other.
func TestAuthoritiesOfRedisFollowEachOther(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world){
		"asked for": func(w *world) { w.ask("2030-01-01") },
		"it ends before the certificate does": func(w *world) {
			for range 5 { // renewals, each after eight months
				w.later += 244 * 24 * time.Hour
				w.rotate()
			}
			w.later += 244 * 24 * time.Hour
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTLSWorld(t)
			change(w)
			old := w.certificates().Data
			w.rotate()
			renewed := w.certificates().Data
			if bytes.Equal(renewed["ca.key"], old["ca.key"]) || count(renewed["ca.crt"]) != 2 {
				t.Fatalf("the authority is the same, or %d are trusted, want 2", count(renewed["ca.crt"]))
			}
			now := time.Now().Add(w.later)
			for _, trusts := range []map[string][]byte{old, renewed} {
				for _, shows := range []map[string][]byte{old, renewed} {
					if err := verify(t, trusts, shows, "papers-redis-state", now); err != nil {
						t.Error(err)
					}
				}
			}
			w.ask("2040-01-01")
			w.rotate()
			third := w.certificates().Data
			if err := verify(t, third, old, "papers-redis-state", now); err == nil || count(third["ca.crt"]) != 2 {
				t.Error("the authority before the last is still trusted")
			}
			if err := verify(t, renewed, third, "papers-redis-state", now); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAuthorityOfRedisThatHasExpired is trusted no more, and its successor by itself.
func TestAuthorityOfRedisThatHasExpired(t *testing.T) {
	t.Parallel()
	w := newTLSWorld(t)
	w.later = 6 * year
	w.rotate()
	data := w.certificates().Data
	if count(data["ca.crt"]) != 1 || count(data["tls.crt"]) != 1 {
		t.Errorf("%d authorities, %d certificates of Redis", count(data["ca.crt"]), count(data["tls.crt"]))
	}
	if err := verify(t, data, data, "papers-redis-cache", time.Now().Add(w.later)); err != nil {
		t.Error(err)
	}
}

// TestDamagedCertificatesOfRedis are made anew; of those of before what can be read is trusted.
func TestDamagedCertificatesOfRedis(t *testing.T) {
	t.Parallel()
	for entry, trusted := range map[string]int{"tls.crt": 1, "ca.crt": 1, "ca.key": 2} {
		t.Run(entry, func(t *testing.T) {
			t.Parallel()
			w := newTLSWorld(t)
			if w.set(redisTLS, entry, "none"); entry != "tls.crt" { // which is seen without being asked
				w.ask("now")
			}
			w.rotate()
			data := w.certificates().Data
			if err := verify(t, data, data, "papers-redis-cache", time.Now()); err != nil {
				t.Error(err)
			}
			if n := count(data["ca.crt"]); n != trusted {
				t.Errorf("%d authorities, want %d", n, trusted)
			}
		})
	}
}
