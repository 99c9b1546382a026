package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/test/controlplane"
)

// TestOperator runs the operator as a whole, against a real API server: it takes its lease, looks at a RAGService,
// and gives the lease back when it is told to stop.
func TestOperator(t *testing.T) {
	connection := controlplane.Start(t, "../../config/crd/bases")
	t.Setenv("KUBECONFIG", controlplane.Kubeconfig(t, connection))
	c, err := client.New(connection, client.Options{Scheme: newScheme()})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "manager-"}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	var log safeBuffer
	args := append([]string{
		"--leader-elect", "--health-probe-bind-address=127.0.0.1:0", "--namespaces=" + namespace.Name,
	}, images...)
	go func() { ended <- run(ctx, args, environment("POD_NAMESPACE", namespace.Name), &log) }()

	rag := &v1alpha1.RAGService{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "papers"},
		Spec: v1alpha1.RAGServiceSpec{
			Models: v1alpha1.ModelsSpec{LLM: v1alpha1.LLMSpec{Provider: v1alpha1.LLMProviderExtractive}},
		},
	}
	if err := c.Create(t.Context(), rag); err != nil {
		t.Fatal(err)
	}
	eventually(t, &log, func() bool {
		return c.Get(t.Context(), client.ObjectKeyFromObject(rag), rag) == nil && rag.Status.ConfigHash != ""
	})
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: defaultLease}}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(lease), lease); err != nil || *lease.Spec.HolderIdentity == "" {
		t.Errorf("lease %+v, %v; want one that is held", lease.Spec, err)
	}

	stop()
	if err := <-ended; err != nil {
		t.Errorf("a clean stop ends with %v", err)
	}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(lease), lease); err != nil || *lease.Spec.HolderIdentity != "" {
		t.Errorf("lease %+v, %v; want one that was given back", lease.Spec, err)
	}
}

func TestOperatorWithoutACluster(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "missing"))
	t.Setenv("HOME", t.TempDir())
	err := run(t.Context(), images, environment(), &bytes.Buffer{})
	var stderr bytes.Buffer
	if code := exitCode(err, &stderr); code != 1 || !strings.Contains(stderr.String(), "KUBECONFIG") {
		t.Errorf("status %d, want 1; stderr %q", code, stderr.String())
	}
}

func eventually(t *testing.T, log *safeBuffer, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the operator did not do its work:\n%s", log)
		}
	}
}

// safeBuffer is a buffer for a log.
type safeBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
