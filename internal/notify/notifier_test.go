package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/notify"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// sink is a receiver. It answers with status, and keeps what it took.
type sink struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	took   []notify.Message
	raw    []string
	asked  int
}

func newSink(t *testing.T, path string) *sink {
	t.Helper()
	s := &sink{status: http.StatusOK}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked++
		var m notify.Message
		if s.status == http.StatusOK {
			if err != nil || json.Unmarshal(body, &m) != nil || r.URL.RequestURI() != path || r.Method != http.MethodPost ||
				r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s with %q: %s", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), body)
			}
			s.took, s.raw = append(s.took, m), append(s.raw, string(body))
		}
		w.WriteHeader(s.status)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) answers(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

func (s *sink) address() netip.AddrPort {
	return netip.MustParseAddrPort(strings.TrimPrefix(s.URL, "http://"))
}

// secretReader answers reads of Secrets with one value.
type secretReader struct {
	client.Reader
	value func() []byte
}

func (r secretReader) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	secret, ok := into.(*corev1.Secret)
	value := r.value()
	if !ok || value == nil || key != (client.ObjectKey{Namespace: "library", Name: "alerts"}) {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, key.Name)
	}
	secret.Data = map[string][]byte{"url": value}
	return nil
}

// loop is a Notifier, and a RAGService whose status is written by what it delivers, as passes of the operator do.
type loop struct {
	t        *testing.T
	notifier *notify.Notifier
	rag      *v1alpha1.RAGService
	now      time.Time
}

// start runs a Notifier that may post to the sink beside what operators may post to.
func (l *loop) start(s *sink, url func() []byte) (stop func()) {
	l.t.Helper()
	l.notifier = notify.New(notify.NewClient(func(to netip.AddrPort) bool { return to != s.address() && notify.Refused(to) }),
		secretReader{value: url}, notify.WithRetry(5*time.Millisecond))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.notifier.Start(ctx) }()
	go l.notifier.Drain(ctx)
	return func() {
		cancel()
		if err := <-ended; err != nil {
			l.t.Error(err)
		}
	}
}

// pass judges what was delivered, and answers MonitoringReady.
func (l *loop) pass() metav1.Condition {
	pass := status.Pass{Service: l.rag, State: &desired.Plan{}, Now: l.now, Deliveries: l.notifier.Latest(l.rag)}
	l.rag = l.rag.DeepCopy()
	l.rag.Status = status.Evaluate(pass).Status
	l.notifier.Follow(l.rag)
	for _, c := range l.rag.Status.Conditions {
		if c.Type == v1alpha1.ConditionMonitoringReady {
			return c
		}
	}
	return metav1.Condition{}
}

// until makes passes until hold says nothing more of what is missing.
func (l *loop) until(hold func(monitoring metav1.Condition) string) {
	l.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		missing := hold(l.pass())
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatal(missing)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func newLoop(t *testing.T, webhook v1alpha1.WebhookReceiver) *loop {
	t.Helper()
	rag := &v1alpha1.RAGService{ObjectMeta: metav1.ObjectMeta{Namespace: "library", Name: "papers", UID: "1", Generation: 1}}
	rag.Spec.Alerts.Receivers = &v1alpha1.AlertReceivers{Webhook: &webhook}
	return &loop{t: t, rag: rag, now: time.Now().Truncate(time.Second)}
}

func (l *loop) raise(names ...v1alpha1.AlertName) {
	l.rag = l.rag.DeepCopy()
	l.rag.Status.Alerts = nil
	for _, name := range names {
		l.rag.Status.Alerts = append(l.rag.Status.Alerts, v1alpha1.AlertStatus{
			Name: name, Since: metav1.NewTime(l.now.Add(-6 * time.Minute)), Value: "10%", Threshold: "5%",
		})
	}
}

var secretURL = v1alpha1.WebhookReceiver{URLSecretRef: &v1alpha1.SecretKeyReference{Name: "alerts", Key: "url"}}

// TestEachTransitionIsToldOnce while the receiver takes what it gets, also by an operator that starts in between.
func TestEachTransitionIsToldOnce(t *testing.T) {
	t.Parallel()
	s := newSink(t, "/hook?token=canary")
	url := func() []byte { return []byte(s.URL + "/hook?token=canary\n") }
	l := newLoop(t, secretURL)
	stop := l.start(s, url)
	l.raise(v1alpha1.AlertErrorRate, v1alpha1.AlertDiskUsage)
	l.until(func(metav1.Condition) string {
		if len(l.rag.Status.Notified) < 2 {
			return "status.notified does not show both"
		}
		return ""
	})
	stop()
	stop = l.start(s, url) // another process, which knows nothing
	l.pass()
	l.raise(v1alpha1.AlertDiskUsage)
	l.until(func(metav1.Condition) string {
		if len(l.rag.Status.Notified) > 1 {
			return "the end of ErrorRate is not delivered"
		}
		return ""
	})
	stop()

	s.mu.Lock()
	defer s.mu.Unlock()
	var got []string
	for _, m := range s.took {
		got = append(got, m.Alerts[0].Labels["alertname"]+" "+m.Status)
	}
	want := "RAGServiceErrorRate firing, RAGServiceDiskUsage firing, RAGServiceErrorRate resolved"
	if strings.Join(got, ", ") != want {
		t.Errorf("the receiver got %v, want %s", got, want)
	}
	if first, last := s.took[0], s.took[2]; first.GroupKey != last.GroupKey || first.Alerts[0].Fingerprint != last.Alerts[0].Fingerprint ||
		!first.Alerts[0].StartsAt.Equal(last.Alerts[0].StartsAt) || !last.Alerts[0].EndsAt.Equal(l.now) {
		t.Errorf("the end of an alert is not told from its beginning:\n%s\n%s", s.raw[0], s.raw[2])
	}
}

// TestTransitionsAreForgotten once both are told by the same operator: further passes tell and note nothing.
func TestTransitionsAreForgotten(t *testing.T) {
	t.Parallel()
	s := newSink(t, "/")
	l := newLoop(t, v1alpha1.WebhookReceiver{URL: s.URL})
	stop := l.start(s, nil)
	notes := func(want int) {
		t.Helper()
		l.until(func(metav1.Condition) string {
			if len(l.rag.Status.Notified) != want {
				return fmt.Sprintf("status.notified is %+v, want %d", l.rag.Status.Notified, want)
			}
			return ""
		})
	}
	l.raise(v1alpha1.AlertErrorRate)
	notes(1)
	l.raise()
	notes(0)
	for range 3 {
		l.pass()
		if len(l.rag.Status.Notified) > 0 {
			t.Errorf("a further pass notes %+v", l.rag.Status.Notified)
		}
	}
	stop()
	if len(s.took) != 2 {
		t.Errorf("the receiver was told %q", s.raw)
	}
}

// TestNoticesAreTriedAgain until the receiver takes them. The status says that it does not, without its URL, and nothing more once it does.
func TestNoticesAreTriedAgain(t *testing.T) {
	t.Parallel()
	s := newSink(t, "/canary")
	l := newLoop(t, v1alpha1.WebhookReceiver{URL: s.URL + "/canary"})
	stop := l.start(s, nil)
	s.answers(http.StatusServiceUnavailable)
	l.raise(v1alpha1.AlertErrorRate)
	l.until(func(c metav1.Condition) string {
		if c.Reason != v1alpha1.ReasonDeliveryFailed || !strings.Contains(c.Message, "503") {
			return "MonitoringReady does not tell: " + c.Reason + ": " + c.Message
		}
		if strings.Contains(c.Message, "canary") || strings.Contains(c.Message, "127.0.0.1") {
			t.Errorf("it tells the URL: %s", c.Message)
		}
		return ""
	})
	stop()

	stop = l.start(s, nil)
	if c := l.pass(); c.Reason != v1alpha1.ReasonDeliveryFailed {
		t.Errorf("an operator that has just started says %s: %s", c.Reason, c.Message)
	}
	s.answers(http.StatusOK)
	l.until(func(c metav1.Condition) string {
		if c.Reason == v1alpha1.ReasonDeliveryFailed || len(l.rag.Status.Notified) != 1 {
			return "it is not delivered"
		}
		return ""
	})
	stop()
	if len(s.took) != 1 {
		t.Errorf("it was delivered %d times", len(s.took))
	}
}

// TestWhyNoticesFail is told in words without the URL.
func TestWhyNoticesFail(t *testing.T) {
	t.Parallel()
	s := newSink(t, "/")
	for name, test := range map[string]struct {
		url  []byte
		word string
	}{
		"no Secret":          {nil, "cannot be read"},
		"no URL":             {[]byte("canary"), "no http or https URL"},
		"another protocol":   {[]byte("gopher://canary"), "no http or https URL"},
		"a refused address":  {[]byte("http://canary@169.254.169.254/canary"), "does not connect"},
		"a refused port":     {[]byte("http://canary:canary@127.0.0.1:9200/canary"), "does not connect"},
		"nobody's host":      {[]byte("http://localhost:canary"), "no http or https URL"},
		"a server elsewhere": {[]byte("http://localhost:1/canary"), "does not connect"},
		"another status":     {[]byte(s.URL + "/canary"), "status 404"},
		"another speech":     {[]byte(strings.Replace(s.URL, "http:", "https:", 1) + "/canary"), "no connection"},
	} {
		l := newLoop(t, secretURL)
		s.answers(http.StatusNotFound)
		stop := l.start(s, func() []byte { return test.url })
		l.raise(v1alpha1.AlertErrorRate)
		l.until(func(c metav1.Condition) string {
			if c.Reason != v1alpha1.ReasonDeliveryFailed {
				return name + ": MonitoringReady does not tell"
			}
			if strings.Contains(c.Message, "canary") || !strings.Contains(c.Message, test.word) {
				t.Errorf("%s: %s", name, c.Message)
			}
			return ""
		})
		stop()
	}
}

// TestWhatIsOutdatedIsNotTold: neither that an alert is raised which is over before it could be told, nor an end of an hour ago, nor that of an
// alert which nobody knows.
func TestWhatIsOutdatedIsNotTold(t *testing.T) {
	t.Parallel()
	s := newSink(t, "/")
	s.answers(http.StatusBadGateway)
	l := newLoop(t, v1alpha1.WebhookReceiver{URL: s.URL})
	stop := l.start(s, nil)
	defer stop()
	l.raise(v1alpha1.AlertErrorRate)
	l.until(func(c metav1.Condition) string {
		if c.Reason != v1alpha1.ReasonDeliveryFailed {
			return "the receiver was not asked"
		}
		return ""
	})
	l.raise()
	l.rag.Status.Notified = []v1alpha1.AlertNotification{{
		Name: v1alpha1.AlertDiskUsage, Since: metav1.NewTime(l.now.Add(-3 * time.Hour)), EndedAt: new(metav1.NewTime(l.now.Add(-2 * time.Hour))),
	}, {
		Name: "OfALaterVersion", Since: metav1.NewTime(l.now.Add(-time.Hour)), EndedAt: new(metav1.NewTime(l.now)),
	}}
	l.until(func(c metav1.Condition) string {
		if len(l.rag.Status.Notified) > 0 || c.Reason == v1alpha1.ReasonDeliveryFailed {
			return "something is still to be told"
		}
		return ""
	})
	s.answers(http.StatusOK)
	if s.mu.Lock(); len(s.took) > 0 {
		t.Errorf("it was told %s", s.raw)
	}
	s.mu.Unlock()
}

// TestAReceiverThatHangs delays neither passes nor what others are told.
func TestAReceiverThatHangs(t *testing.T) {
	t.Parallel()
	s := newSink(t, "/")
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer hanging.Close()
	defer close(release)
	l := newLoop(t, secretURL)
	to := hanging.URL
	l.notifier = notify.New(hanging.Client(), secretReader{value: func() []byte { return []byte(to) }})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = l.notifier.Start(ctx) }()
	go l.notifier.Drain(ctx)
	l.raise(v1alpha1.AlertErrorRate)
	l.pass() // which returns
	other := newLoop(t, v1alpha1.WebhookReceiver{URL: s.URL})
	other.rag.Name, other.rag.UID, other.notifier = "others", "2", l.notifier
	other.raise(v1alpha1.AlertErrorRate)
	other.until(func(metav1.Condition) string {
		if len(other.rag.Status.Notified) == 0 {
			return "the other service's receiver is not told"
		}
		return ""
	})
}
