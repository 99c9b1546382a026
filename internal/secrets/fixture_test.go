package secrets_test

import (
	"context"
	"encoding/pem"
	"net/http/httptest"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
	"github.com/ragservice/ragservice-operator/internal/secrets"
	"github.com/ragservice/ragservice-operator/test/controlplane"
)

// Values that must not be found anywhere but in Secrets.
const (
	modelKey  = "sk-of-the-model-0123456789"
	callerKey = `{"key":"key-of-a-caller-0123456789"}`
)

// world is a namespace on a real API server with a Reader for it.
type world struct {
	t      *testing.T
	client client.Client
	// live is what the Reader asks for contents.
	live   *countingReader
	reader *secrets.Reader
	rag    *v1alpha1.RAGService
	// later is how far the Reader's clock is ahead.
	later time.Duration
}

func newWorld(t *testing.T, rag *v1alpha1.RAGService) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(controlplane.Start(t), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "secrets-"}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	rag.Namespace = namespace.Name
	live := &countingReader{Reader: c}
	w := &world{t: t, client: c, live: live, rag: rag}
	w.reader = secrets.NewReader(c, live, func() time.Time { return time.Now().Add(w.later) })
	for _, named := range desired.ServerSecrets(rag) {
		if named.Certificates {
			w.create(named.Ref.Name, map[string]string{named.Ref.Key: certificate(t)})
		}
	}
	for _, fallback := range rag.Spec.Models.LLM.Fallbacks {
		if ref := fallback.APIKeySecretRef; ref != nil {
			w.create(ref.Name, map[string]string{ref.Key: modelKey})
		}
	}
	return w
}

// certificate is one in PEM.
func certificate(t *testing.T) string {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// newFullWorld has the Secrets that desiredtest.Full names.
func newFullWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, desiredtest.Full())
	w.create("llm", map[string]string{"token": modelKey, "unrelated": "1"})
	w.create("callers", map[string]string{"alice": callerKey})
	return w
}

// countingReader counts reads.
type countingReader struct {
	client.Reader
	reads int
}

func (r *countingReader) Get(ctx context.Context, key client.ObjectKey, o client.Object, options ...client.GetOption) error {
	r.reads++
	return r.Reader.Get(ctx, key, o, options...)
}

func (w *world) read() desired.SecretFacts {
	w.t.Helper()
	in, err := w.reader.Read(w.t.Context(), w.rag)
	if err != nil {
		w.t.Fatal(err)
	}
	return in
}

func (w *world) create(name string, data map[string]string, owners ...metav1.OwnerReference) {
	w.t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.rag.Namespace, Name: name, OwnerReferences: owners}, StringData: data,
	}
	if err := w.client.Create(w.t.Context(), secret); err != nil {
		w.t.Fatal(err)
	}
}

// adopt makes the candidates, as apply does.
func (w *world) adopt(candidates []desired.GeneratedSecret) {
	w.t.Helper()
	for _, c := range candidates {
		data := map[string]string{}
		for key, value := range c.Data {
			data[key] = string(value)
		}
		w.create(c.Name, data, *metav1.NewControllerRef(w.rag, v1alpha1.GroupVersion.WithKind(desired.Kind)))
	}
}

// set writes an entry of a Secret; an empty value removes it.
func (w *world) set(name, key, value string) {
	w.t.Helper()
	var secret corev1.Secret
	if err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: w.rag.Namespace, Name: name}, &secret); err != nil {
		w.t.Fatal(err)
	}
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	if secret.Data[key] = []byte(value); value == "" {
		delete(secret.Data, key)
	}
	if err := w.client.Update(w.t.Context(), &secret); err != nil {
		w.t.Fatal(err)
	}
}
