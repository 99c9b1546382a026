package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
	operator "github.com/ragservice/ragservice-operator/internal/secrets"
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/proc"
)

// oneSecret is what the operator reads, in place of an API server: one Secret at most.
type oneSecret struct{ *corev1.Secret }

func (s oneSecret) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	if s.Secret == nil || key.Name != s.Name {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, key.Name)
	}
	switch o := into.(type) {
	case *corev1.Secret:
		s.DeepCopyInto(o)
	case *metav1.PartialObjectMetadata:
		s.ObjectMeta.DeepCopyInto(&o.ObjectMeta)
	}
	return nil
}

func (oneSecret) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.ErrUnsupported
}

// certificatesOfRedis are what the operator makes at first, and what when it is asked for others.
func certificatesOfRedis(t *testing.T) (first, second map[string][]byte) {
	t.Helper()
	rag := desiredtest.RedisTLS()
	name := desired.RedisTLSSecretName(rag.Name)
	read := func(s *corev1.Secret) desired.SecretFacts {
		t.Helper()
		facts, err := operator.NewReader(oneSecret{s}, oneSecret{s}, time.Now).Read(t.Context(), rag)
		if err != nil {
			t.Fatal(err)
		}
		return facts
	}
	for _, c := range read(nil).Candidates {
		if c.Name == name {
			first = c.Data
		}
	}
	facts := read(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Name: name, Namespace: rag.Namespace, Annotations: map[string]string{v1alpha1.AnnotationRotateAt: "now"},
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(rag, v1alpha1.GroupVersion.WithKind(desired.Kind))},
	}, Data: first})
	if len(facts.Rotations) != 1 {
		t.Fatalf("%d rotations", len(facts.Rotations))
	}
	return first, facts.Rotations[0].Data
}

// TestRedisHasAnotherAuthorityUnderLoad: Redis comes back with a certificate of another authority, while a server runs that has read the
// first one when it started. Each request is answered, with the headers of its limit, and Redis is used again without another start.
func TestRedisHasAnotherAuthorityUnderLoad(t *testing.T) {
	first, second := certificatesOfRedis(t)
	if bytes.Equal(first["ca.key"], second["ca.key"]) {
		t.Fatal("the authority is the same")
	}
	const key = "key-of-the-administrator-0123456789"
	dir := t.TempDir()
	place := func(folder, name string, data []byte) string {
		t.Helper()
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(folder, name)
	}
	port, err := proc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	redis := backends.Redis(t, "--tls-port", strconv.Itoa(port), "--tls-auth-clients", "no",
		"--tls-cert-file", place(dir, "tls.crt", first["tls.crt"]), "--tls-key-file", place(dir, "tls.key", first["tls.key"]))
	keys := newKeysFolder(t)
	keys.set("root", `{"key":"`+key+`","role":"admin"}`)
	place(filepath.Join(keys.secrets, config.RedisCADir), config.AuthorityFile, first["ca.crt"])
	place(filepath.Join(keys.secrets, config.RedisStateCADir), config.AuthorityFile, first["ca.crt"])
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	r := startWith(t, noEnvironment, "--secrets-dir", keys.secrets, "--config",
		write(t, "config.yaml", withRedis(t, "{address: '"+address+"', tls: {serverName: papers-redis-state}}")))
	defer r.end(t)
	upload(t, r, key)
	awaitRedis(t, r, telemetry.DependencyUp)
	l := startLoad(t, r, key)
	for l.total.Load() < 200 {
		time.Sleep(time.Millisecond)
	}
	redis.Stop()
	for _, state := redisStates(t, r); state != telemetry.DependencyDown; _, state = redisStates(t, r) {
		time.Sleep(10 * time.Millisecond)
	}
	place(dir, "tls.crt", second["tls.crt"])
	place(dir, "tls.key", second["tls.key"])
	redis.Restart()
	awaitRedis(t, r, telemetry.DependencyUp)
	again, _ := redisCalls(t, r)
	for now := again; now["ok"] < again["ok"]+100; now, _ = redisCalls(t, r) {
		time.Sleep(10 * time.Millisecond)
	}
	l.end()
	if failed, unlimited := l.failed.Load(), l.unlimited.Load(); failed > 0 || unlimited > 0 {
		t.Errorf("of %d requests %d failed, %d had no headers of the limit", l.total.Load(), failed, unlimited)
	}
	t.Logf("%d requests, slowest %v", l.total.Load(), time.Duration(l.slowest.Load()).Round(time.Millisecond))
}
