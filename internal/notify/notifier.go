package notify

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/internal/workers"
)

const (
	// sends is how many services are notified at once. A receiver that hangs holds one of them for sendTimeout, and then waits for its retry.
	sends = 8
	// After a failure the next attempt comes in 1 s, 2 s, 4 s, up to 5 min, each of them longer by up to a tenth.
	firstRetry, lastRetry = time.Second, 5 * time.Minute
	// told is the number of failures in a row after which a status tells of them.
	told = 3
	// keptFor is how long the end of an alert is worth telling. That one is raised is told for as long as it is.
	keptFor = time.Hour
	// secretTimeout bounds the read of a Secret.
	secretTimeout = 5 * time.Second
)

// Notifier posts the notices of every RAGService that it follows.
type Notifier struct {
	*workers.Pool

	client *http.Client
	// secrets reads past the cache: contents of Secrets are kept nowhere.
	secrets client.Reader
	now     func() time.Time
	retry   time.Duration

	mu       sync.Mutex
	services map[types.NamespacedName]*service
}

// service is what the Notifier knows of a RAGService.
type service struct {
	rag *v1alpha1.RAGService
	// done are notices that the status does not show yet: what is delivered during a pass, the status of that pass cannot know.
	done []status.Notice
	// failures are those in a row, why is the last one's, and next when the next attempt may be made.
	failures int
	why      string
	next     time.Time
}

// Option changes a Notifier.
type Option func(*Notifier)

// WithRetry replaces the wait after the first failure, which tests shorten.
func WithRetry(wait time.Duration) Option {
	return func(n *Notifier) { n.retry = wait }
}

// New returns a Notifier that posts by way of posting (see NewClient) and reads Secrets live. It posts nothing before Start.
func New(posting *http.Client, live client.Reader, options ...Option) *Notifier {
	n := &Notifier{
		Pool:   workers.New(sends),
		client: posting, secrets: live, now: time.Now, retry: firstRetry, services: map[types.NamespacedName]*service{},
	}
	for _, option := range options {
		option(n)
	}
	return n
}

// Start posts until ctx ends.
func (n *Notifier) Start(ctx context.Context) error {
	n.Work(ctx, n.step)
	return nil
}

// Follow takes up a RAGService as its status was written. A spec that changed is tried at once.
func (n *Notifier) Follow(rag *v1alpha1.RAGService) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := client.ObjectKeyFromObject(rag)
	s := n.services[key]
	if s == nil || s.rag.UID != rag.UID {
		s = &service{}
		n.services[key] = s
	} else if s.rag.Generation != rag.Generation {
		s.failures, s.why, s.next = 0, "", time.Time{}
	}
	s.rag = rag.DeepCopy()
	due := status.DueNotices(rag)
	s.done = slices.DeleteFunc(s.done, func(d status.Notice) bool { return status.ShowsDelivery(rag, d) })
	if len(due) == 0 {
		s.failures, s.why, s.next = 0, "", time.Time{}
	} else if !n.now().Before(s.next) {
		n.Queue.Add(key)
	}
}

// Forget ends it.
func (n *Notifier) Forget(key types.NamespacedName) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.services, key)
}

// Latest is what became of the notices of a RAGService.
func (n *Notifier) Latest(rag *v1alpha1.RAGService) status.Deliveries {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.services[client.ObjectKeyFromObject(rag)]
	if s == nil || s.rag.UID != rag.UID {
		return status.Deliveries{}
	}
	latest := status.Deliveries{Done: slices.Clone(s.done)}
	if s.failures >= told {
		latest.Failing = s.why
	}
	return latest
}

// step makes one attempt.
func (n *Notifier) step(ctx context.Context, key types.NamespacedName) {
	rag, notice, due := n.nextNotice(key)
	if !due {
		return
	}
	failed := n.attempt(ctx, rag, notice)
	if ctx.Err() == nil && n.record(key, rag, notice, failed) {
		n.Tell(ctx, key)
	}
}

// nextNotice is the first one that is due and not done; false while there is none, or its time has not come.
func (n *Notifier) nextNotice(key types.NamespacedName) (*v1alpha1.RAGService, status.Notice, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.services[key]
	if s == nil || n.now().Before(s.next) {
		return nil, status.Notice{}, false
	}
	for _, notice := range status.DueNotices(s.rag) {
		if !slices.ContainsFunc(s.done, notice.Same) {
			return s.rag, notice, true
		}
	}
	return nil, status.Notice{}, false
}

func (n *Notifier) attempt(ctx context.Context, rag *v1alpha1.RAGService, notice status.Notice) *failure {
	alert, known := alerts.Named(rag, notice.Name)
	if !known || notice.Resolved() && n.now().Sub(time.Unix(notice.EndedAt, 0)) > keptFor {
		count(dropped)
		logf.FromContext(ctx).Info("an alert is not told: nobody took its end within an hour, or this version does not know it",
			"RAGService", client.ObjectKeyFromObject(rag), "alert", notice.Name)
		return nil
	}
	message, err := body(rag, alert, notice)
	if err != nil {
		return &failure{noURL, "the message cannot be written"}
	}
	to, failed := n.url(ctx, rag)
	if failed == nil {
		failed = send(ctx, n.client, to, message)
	}
	if failed == nil {
		count(delivered)
	} else {
		count(failed.outcome)
	}
	return failed
}

// url is where a RAGService wants its notices.
func (n *Notifier) url(ctx context.Context, rag *v1alpha1.RAGService) (string, *failure) {
	webhook := rag.Spec.Alerts.Receivers.Webhook
	if webhook.URLSecretRef == nil {
		return webhook.URL, nil
	}
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	var secret corev1.Secret
	if err := n.secrets.Get(ctx, client.ObjectKey{Namespace: rag.Namespace, Name: webhook.URLSecretRef.Name}, &secret); err != nil {
		return "", &failure{noURL, "the Secret with its URL cannot be read"}
	}
	return string(secret.Data[webhook.URLSecretRef.Key]), nil
}

// record notes an attempt, and says whether the status would change.
func (n *Notifier) record(key types.NamespacedName, rag *v1alpha1.RAGService, notice status.Notice, failed *failure) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.services[key]
	if s == nil || s.rag.UID != rag.UID {
		return false
	}
	if failed == nil {
		s.done = append(s.done, notice)
		s.failures, s.why, s.next = 0, "", time.Time{}
		n.Queue.Add(key) // the next one
		return true
	}
	before := s.why
	wait := min(lastRetry, n.retry<<min(s.failures, 20))
	s.failures, s.why = s.failures+1, failed.why
	s.next = n.now().Add(wait)
	n.Queue.AddAfter(key, wait+rand.N(wait/10+1)) //nolint:gosec // spreads load, keeps no secret
	return s.failures == told || s.failures > told && s.why != before
}
