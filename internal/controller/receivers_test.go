package controller_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/notify"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// createSecret makes a Secret with one entry, url.
func (w *world) createSecret(name, url string) {
	w.t.Helper()
	w.must(w.Create(w.t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}, StringData: map[string]string{"url": url},
	}))
}

// alertmanagerConfig reads that of papers; false while there is none.
func (w *world) alertmanagerConfig() (*unstructured.Unstructured, bool) {
	w.t.Helper()
	found := custom(desired.ReceiversKind)
	return found, w.exists(found, "papers-alerts")
}

// TestAlertmanagerIsToldOfReceivers from when the API server serves AlertmanagerConfigs; until then MonitoringReady says that nobody is.
func TestAlertmanagerIsToldOfReceivers(t *testing.T) {
	w := newWorld(t)
	first := w.startOperator()
	rag := w.service(func(s *v1alpha1.RAGServiceSpec) {
		s.Alerts.Receivers = &v1alpha1.AlertReceivers{
			Slack: &v1alpha1.SlackReceiver{WebhookURLSecretRef: v1alpha1.SecretKeyReference{Name: "alerts", Key: "url"}},
			SMS:   &v1alpha1.SMSReceiver{WebhookURLSecretRef: v1alpha1.SecretKeyReference{Name: "alerts", Key: "url"}},
		}
	})
	w.ready(rag)
	w.eventuallyShows(rag, map[string]string{"MonitoringReady": "False/SecretNotFound", "Ready": "True/Ready", "SecretsResolved": "True/Resolved"})
	w.createSecret("alerts", "https://hooks.slack.com/"+canary)
	w.eventuallyShows(rag, map[string]string{"MonitoringReady": "False/NoAlertmanager", "Ready": "True/Ready", "Reconciling": ""})

	w.installPrometheusOperator()
	first.stop()
	second := w.startOperator() // the first one would look again within a minute
	w.eventuallyShows(rag, map[string]string{"MonitoringReady": "True/Monitored", "Ready": "True/Ready"})
	stolen, _ := w.alertmanagerConfig()
	w.must(unstructured.SetNestedField(stolen.Object, "critical", "spec", "route", "receiver"))
	w.must(w.Update(t.Context(), stolen))
	w.eventually(func() string {
		found, _ := w.alertmanagerConfig()
		if receiver, _, _ := unstructured.NestedString(found.Object, "spec", "route", "receiver"); receiver != "all" {
			return "the AlertmanagerConfig is not repaired"
		}
		return ""
	})
	w.eventually(func() string {
		before := second.requests.count()
		second.pass(t, rag)
		if made := second.requests.since(before); len(made) > 0 {
			return "a pass over a service with receivers asks the API server for " + strings.Join(made, ", ")
		}
		return ""
	})
	for where, text := range w.told(second) {
		if strings.Contains(text, canary) {
			t.Errorf("%s tells a secret", where)
		}
	}

	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(rag), rag))
	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.Alerts.Receivers = nil })
	w.eventually(func() string {
		if _, exists := w.alertmanagerConfig(); exists {
			return "the AlertmanagerConfig is still there"
		}
		return ""
	})
}

// alertSink takes webhooks while it is up, and answers 503 while it is not.
type alertSink struct {
	*httptest.Server
	mu   sync.Mutex
	up   bool
	took []string
}

func (w *world) newAlertSink() *alertSink {
	s := &alertSink{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var m notify.Message
		err := json.NewDecoder(r.Body).Decode(&m)
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.up || err != nil || r.URL.Query().Get("token") != canary {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s.took = append(s.took, m.CommonLabels["alertname"]+" "+m.Status)
	}))
	w.t.Cleanup(s.Close)
	w.sink = netip.MustParseAddrPort(strings.TrimPrefix(s.URL, "http://"))
	return s
}

func (s *alertSink) set(up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up = up
}

// eventuallyTook waits until the sink took the messages.
func (w *world) eventuallyTook(s *alertSink, want ...string) {
	w.t.Helper()
	w.eventually(func() string {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !slices.Equal(s.took, want) {
			return "the receiver took " + strings.Join(s.took, ", ") + ", want " + strings.Join(want, ", ")
		}
		return ""
	})
}

// TestWebhookIsToldByTheOperator that an alert is raised, once the receiver takes it, and that it is over; each once, by whichever operator runs.
func TestWebhookIsToldByTheOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sink := w.newAlertSink()
	w.createSecret("hook", sink.URL+"/?token="+canary)
	o := w.startOperator()
	rag := w.service(func(s *v1alpha1.RAGServiceSpec) {
		s.Alerts.Receivers = &v1alpha1.AlertReceivers{
			Webhook: &v1alpha1.WebhookReceiver{URLSecretRef: &v1alpha1.SecretKeyReference{Name: "hook", Key: "url"}},
		}
	})
	servers := w.ready(rag)
	servers[0].counts(telemetry.Minute{Requests: 900})
	servers[1].counts(telemetry.Minute{Requests: 100, Errors: 70})
	w.eventuallyShows(rag, map[string]string{"AlertsClear": "False/Firing", "MonitoringReady": "False/DeliveryFailed", "Ready": "True/Ready"})
	if note := w.eventuallyTells("DeliveryFailed"); !strings.Contains(note, "503") {
		t.Errorf("the event says %q", note)
	}

	o.stop()
	sink.set(true)
	second := w.startOperator()
	w.eventuallyTook(sink, "RAGServiceErrorRate firing")
	w.eventuallyShows(rag, map[string]string{"AlertsClear": "False/Firing", "MonitoringReady": "True/NotConfigured"})
	if n := rag.Status.Notified; len(n) != 1 || n[0].Name != "ErrorRate" || n[0].EndedAt != nil {
		t.Errorf("status.notified: %+v", n)
	}

	second.stop()
	third := w.startOperator()
	servers[1].counts(telemetry.Minute{Requests: 100, Errors: 20})
	w.eventuallyTook(sink, "RAGServiceErrorRate firing", "RAGServiceErrorRate resolved")
	w.eventually(func() string {
		w.must(w.Get(t.Context(), client.ObjectKeyFromObject(rag), rag))
		if len(rag.Status.Notified) > 0 {
			return "status.notified is not empty"
		}
		return ""
	})
	w.eventuallyTook(sink, "RAGServiceErrorRate firing", "RAGServiceErrorRate resolved")
	for where, text := range w.told(third) {
		if strings.Contains(text, canary) {
			t.Errorf("%s tells a secret", where)
		}
	}
}
