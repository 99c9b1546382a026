//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// TestRedisTLS encrypts the connections to Redis, has another authority sign its certificates and goes back to plain text while callers ask,
// of whom none may notice. It reaches Services from outside of pods.
func TestRedisTLS(t *testing.T) {
	if os.Getenv("CLUSTER_BACKEND") != "node" {
		t.Skip("CLUSTER_BACKEND is not node: only the cluster without Docker has its Services on this machine")
	}
	rag := askedByMany(t)
	mode := func(mode v1alpha1.ManagedRedisTLSMode) func(*testing.T) {
		return func(t *testing.T) {
			edit(t, rag, func(spec *v1alpha1.RAGServiceSpec) {
				if spec.Redis.Managed == nil {
					spec.Redis.Managed = &v1alpha1.ManagedRedis{}
				}
				spec.Redis.Managed.TLS = &v1alpha1.ManagedRedisTLS{Mode: mode}
			})
		}
	}
	for _, change := range []struct {
		name      string
		make      func(*testing.T)
		encrypted bool
	}{
		{"connections to Redis are encrypted", mode(v1alpha1.ManagedRedisTLSEnabled), true},
		{"another authority", func(t *testing.T) { rotate(t, rag, rag.Name+"-redis-tls") }, true},
		{"connections are in plain text again", mode(v1alpha1.ManagedRedisTLSDisabled), false},
	} {
		t.Run(change.name, func(t *testing.T) {
			callers := startCallers(t, rag)
			time.Sleep(quietFor) // callers have connections
			before := podUIDs(t.Context(), t, rag, redisUsers...)
			callers.killed()
			change.make(t)
			eventually(t, startTimeout, "pods are replaced", func() error {
				for name := range podUIDs(t.Context(), t, rag, redisUsers...) {
					if before[name] {
						return fmt.Errorf("pod %s is that of before", name)
					}
				}
				return nil
			})
			awaitReady(t, rag)
			seen := callers.stop()
			t.Logf("| %s | %d | %s |", change.name, seen.asked, seen.summary())
			if len(seen.failed) > 0 {
				t.Errorf("requests failed: %s", seen.summary())
			}
			for _, instance := range []string{"redis-cache", "redis-state"} {
				answer, err := plainPing(t.Context(), t, rag, instance)
				if plain := strings.HasPrefix(answer, "-NOAUTH"); plain == change.encrypted {
					t.Errorf("%s says %q, %v in plain text", instance, answer, err)
				}
			}
		})
	}
}

// askedByMany is a Ready service with documents, whose limits many requests stay under.
func askedByMany(t *testing.T) *v1alpha1.RAGService {
	t.Helper()
	return forMany(t, newService(newNamespace(t), "papers"))
}

// forMany makes a service that has documents, and answers as many as ask it.
func forMany(t *testing.T, rag *v1alpha1.RAGService) *v1alpha1.RAGService {
	t.Helper()
	rag.Spec.RateLimits.Endpoints = []v1alpha1.EndpointLimit{{Name: v1alpha1.EndpointSearch, RequestsPerMinute: 1_000_000}, {Name: v1alpha1.EndpointAsk, RequestsPerMinute: 1_000_000}}
	create(t, rag)
	awaitReady(t, rag)
	loadsAndAnswers(t, rag)
	return rag
}

// redisUsers are the components that are part of a connection to Redis.
var redisUsers = []string{"server", "redis-cache", "redis-state"}

// podUIDs are the UIDs of the pods of components.
func podUIDs(ctx context.Context, t *testing.T, rag *v1alpha1.RAGService, components ...string) map[string]bool {
	t.Helper()
	uids := map[string]bool{}
	for _, component := range components {
		var pods corev1.PodList
		labels := client.MatchingLabels{"app.kubernetes.io/instance": rag.Name, "app.kubernetes.io/component": component}
		if err := kube.List(ctx, &pods, client.InNamespace(rag.Namespace), labels); err != nil {
			t.Fatal(err)
		}
		for _, pod := range pods.Items {
			uids[component+" "+string(pod.UID)] = true
		}
	}
	return uids
}

// rotate asks for new contents of a generated Secret.
func rotate(t *testing.T, rag *v1alpha1.RAGService, name string) {
	t.Helper()
	secret := &corev1.Secret{}
	secret.Namespace, secret.Name = rag.Namespace, name
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationRotateAt, time.Now().Format(time.RFC3339))
	if err := kube.Patch(t.Context(), secret, client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
		t.Fatal(err)
	}
}

// plainPing is what an instance of Redis answers to one who shows no password and knows of no certificates.
func plainPing(ctx context.Context, t *testing.T, rag *v1alpha1.RAGService, instance string) (string, error) {
	t.Helper()
	var service corev1.Service
	if err := kube.Get(ctx, client.ObjectKey{Namespace: rag.Namespace, Name: rag.Name + "-" + instance}, &service); err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", net.JoinHostPort(service.Spec.ClusterIP, "6379"))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	_, writeErr := io.WriteString(conn, "PING\r\n")
	answer := make([]byte, 64)
	n, readErr := conn.Read(answer)
	return string(answer[:n]), errors.Join(writeErr, readErr)
}
