package controller_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// canary is in all that must not be told.
const canary = "canary7Kq"

// told is everything that the operator lets others see: its log, events, the status, its metrics, and the objects that hold no secret.
func (w *world) told(o *operator) map[string]string {
	w.t.Helper()
	all := map[string]string{"the log": o.passes.text()}
	kinds := []client.Object{&v1alpha1.RAGService{}, &eventsv1.Event{}}
	for _, kind := range append(kinds, apply.Kinds()...) {
		gvk, err := apiutil.GVKForObject(kind, w.Scheme())
		w.must(err)
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		w.must(w.List(w.t.Context(), list, client.InNamespace(w.namespace)))
		text, err := yaml.Marshal(list.Items)
		w.must(err)
		all["objects of kind "+gvk.Kind] = string(text)
	}
	scraped := httptest.NewRecorder()
	promhttp.HandlerFor(metrics.Registry, promhttp.HandlerOpts{}).ServeHTTP(scraped, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	all["metrics"] = scraped.Body.String()
	return all
}

// countConnections listens where only servers may connect, and counts who does.
func countConnections(t *testing.T) (at string, connections *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	connections = new(atomic.Int64)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_ = conn.Close()
		}
	}()
	return listener.Addr().String(), connections
}

// createWholeSecrets makes what the services refer to, as it should be.
func (w *world) createWholeSecrets() {
	w.t.Helper()
	for name, data := range map[string]map[string]string{
		"model":   {"key": canary + "-of-the-model"},
		"callers": {"alice": `{"key":"` + canary + `-of-a-caller-0123456789"}`},
		"store":   {"password": canary + "-of-redis", "username": canary},
	} {
		w.must(w.Create(w.t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}, StringData: data}))
	}
}

// breakSecrets puts data into them that nothing can use.
func (w *world) breakSecrets() {
	w.t.Helper()
	for name, data := range map[string]map[string]string{
		"model":   {"key": canary + "\nin two lines"},
		"callers": {"alice": canary + " is no JSON", "bob": `{"key":"` + canary + `"}`, canary: `{"key":"` + canary + `"}`},
		"store":   {"user": canary},
	} {
		var s corev1.Secret
		w.must(w.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: name}, &s))
		s.Data, s.StringData = nil, data
		w.must(w.Update(w.t.Context(), &s))
	}
}

// TestDeputyIsNotConfused gives services addresses that only their servers may ask, and Secrets of which nothing may be told, whole or broken.
// The operator opens no connection, and tells none.
func TestDeputyIsNotConfused(t *testing.T) {
	t.Parallel()
	at, connections := countConnections(t)
	w := newWorld(t)
	w.createWholeSecrets()
	o := w.startOperator()
	model := v1alpha1.LLMSpec{
		Provider: v1alpha1.LLMProviderOpenAI, BaseURL: "http://" + at + "/v1", Model: "m",
		APIKeySecretRef: &v1alpha1.SecretKeyReference{Name: "model", Key: "key"},
		Fallbacks:       []v1alpha1.LLMFallback{{BaseURL: "http://localhost:" + at[strings.LastIndex(at, ":")+1:] + "/v1", Model: "m"}},
	}
	rag := w.service(func(s *v1alpha1.RAGServiceSpec) {
		s.Models.LLM, s.Auth.APIKeysSecretRef = model, &v1alpha1.SecretReference{Name: "callers"}
		s.Alerts.Receivers = &v1alpha1.AlertReceivers{Webhook: &v1alpha1.WebhookReceiver{URL: "http://" + at + "/alerts"}}
	})
	for _, server := range w.ready(rag) {
		server.counts(telemetry.Minute{Requests: 100, Errors: 70})
	}
	w.eventuallyShows(rag, map[string]string{"AlertsClear": "False/Firing", "MonitoringReady": "False/DeliveryFailed"})
	other := w.service(func(s *v1alpha1.RAGServiceSpec) {
		s.Redis.External = &v1alpha1.ExternalRedis{RedisConnection: v1alpha1.RedisConnection{
			Addresses: []v1alpha1.RedisAddress{v1alpha1.RedisAddress(at)}, AuthSecretRef: &v1alpha1.SecretReference{Name: "store"},
		}}
		s.Auth = v1alpha1.AuthSpec{Mode: v1alpha1.AuthModeJWT, JWT: &v1alpha1.JWTSpec{
			Issuer: "https://issuer.example.com", Audiences: []string{"rag"}, JWKSURL: "http://" + at + "/keys",
		}}
	})
	other.Name = "others"
	w.must(w.Create(t.Context(), other))
	w.eventually(func() string { return w.unsettled(o, other) })

	w.breakSecrets()
	for _, service := range []*v1alpha1.RAGService{rag, other} {
		w.eventually(func() string {
			w.must(w.Get(t.Context(), client.ObjectKeyFromObject(service), service))
			if got := outcomes(service)["SecretsResolved"]; !strings.HasPrefix(got, "False/") {
				return service.Name + " has SecretsResolved " + got
			}
			return w.unsettled(o, service)
		})
	}
	for where, text := range w.told(o) {
		if text == "" {
			t.Errorf("%s: empty, so nothing was looked at", where)
		}
		// A name of an entry is not secret, and is what a person needs to find it.
		if i := strings.Index(strings.ReplaceAll(text, "entry "+canary, "entry"), canary); i >= 0 {
			t.Errorf("%s tells a secret: ...%.200s", where, text[max(0, i-100):])
		}
	}
	if n := connections.Load(); n > 0 {
		t.Errorf("the operator opened %d connections to addresses of the spec", n)
	}
}
