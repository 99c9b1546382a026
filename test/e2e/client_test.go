//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// serviceClient calls a RAGService's server through the API server's proxy, which works on every cluster. The proxy keeps
// the Authorization header to itself, so keys travel as X-API-Key.
type serviceClient struct {
	http *http.Client
	base string
}

func newServiceClient(t *testing.T, rag *v1alpha1.RAGService) *serviceClient {
	t.Helper()
	h, err := rest.HTTPClientFor(restConfig)
	if err != nil {
		t.Fatal(err)
	}
	return &serviceClient{http: h, base: fmt.Sprintf("%s/api/v1/namespaces/%s/services/%s-server:80/proxy", restConfig.Host, rag.Namespace, rag.Name)}
}

// podClient is a serviceClient of one server alone.
func podClient(t *testing.T, pod corev1.Pod) *serviceClient {
	t.Helper()
	h, err := rest.HTTPClientFor(restConfig)
	if err != nil {
		t.Fatal(err)
	}
	return &serviceClient{http: h, base: fmt.Sprintf("%s/api/v1/namespaces/%s/pods/%s:8080/proxy", restConfig.Host, pod.Namespace, pod.Name)}
}

// reply is an answer of the server.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(r.body, into); err != nil {
		t.Fatalf("%d %.300s: %v", r.status, r.body, err)
	}
}

func (c *serviceClient) do(ctx context.Context, method, path, key, contentType string, body []byte) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if key != "" {
		request.Header.Set("X-API-Key", key)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, data}, err
}

// post sends JSON and wants a status.
func (c *serviceClient) post(t *testing.T, path, key string, want int, body any) reply {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.do(t.Context(), http.MethodPost, path, key, "application/json", data)
	if err != nil {
		t.Fatal(err)
	}
	if r.status != want {
		t.Fatalf("POST %s: %d %.500s, want %d", path, r.status, r.body, want)
	}
	return r
}

// apiKey reads a generated key, as its holder would.
func apiKey(t *testing.T, rag *v1alpha1.RAGService, name string) string {
	t.Helper()
	var secret corev1.Secret
	if err := kube.Get(t.Context(), client.ObjectKey{Namespace: rag.Namespace, Name: rag.Name + "-api-keys"}, &secret); err != nil {
		t.Fatal(err)
	}
	var entry struct{ Key string }
	if err := json.Unmarshal(secret.Data[name], &entry); err != nil {
		t.Fatalf("entry %s: not JSON", name)
	}
	return entry.Key
}
