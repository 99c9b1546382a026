package observe

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/searchnodes"
)

const (
	// steadyInterval is the time between two rounds of a service, and hurriedInterval while a configuration is on its
	// way. Both vary by a tenth, so that services which were created together drift apart.
	steadyInterval  = 10 * time.Second
	hurriedInterval = 1500 * time.Millisecond
	// slowestInterval is what the interval doubles to while no ready server answers: such a round takes 2 s of a worker for
	// every eight servers, which would starve the others.
	slowestInterval = time.Minute
	// rounds is how many services are asked at once, asksPerRound how many servers of each: 64 sockets at most.
	rounds       = 8
	asksPerRound = 8
)

// Poller asks the servers of every RAGService that it follows how they do. It works beside the reconcile queue, in a
// pool of its own: polling by requeues would starve the queue. What it learns stays in memory; a change that a status
// would show comes out of Source.
type Poller struct {
	reader  client.Reader
	client  *http.Client
	address func(pod netip.Addr) string
	// searchNodes asks nodes of OpenSearch.
	searchNodes *searchnodes.Client
	now         func() time.Time
	queue       workqueue.TypedDelayingInterface[types.NamespacedName]
	changes     chan event.GenericEvent

	mu       sync.Mutex
	services map[types.NamespacedName]*service
}

// Option changes a Poller.
type Option func(*Poller)

// WithAddress replaces the way from a pod's address to host:port. Tests have no pod network.
func WithAddress(address func(pod netip.Addr) string) Option {
	return func(p *Poller) { p.address = address }
}

// NewPoller returns a Poller that finds pods through reader, the manager's cache. It asks nobody before Start.
func NewPoller(reader client.Reader, options ...Option) *Poller {
	asking := newClient()
	p := &Poller{
		reader:      reader,
		client:      asking,
		address:     adminAddress,
		searchNodes: searchnodes.New(asking, nil),
		now:         time.Now,
		queue:       workqueue.NewTypedDelayingQueue[types.NamespacedName](),
		changes:     make(chan event.GenericEvent),
		services:    map[types.NamespacedName]*service{},
	}
	for _, option := range options {
		option(p)
	}
	return p
}

// Source tells the controller of services whose status would change.
func (p *Poller) Source() source.Source {
	return source.Channel(p.changes, &handler.EnqueueRequestForObject{})
}

// NeedLeaderElection says that only the leader asks.
func (p *Poller) NeedLeaderElection() bool { return true }

// Start asks until ctx ends.
func (p *Poller) Start(ctx context.Context) error {
	var workers sync.WaitGroup
	for range rounds {
		workers.Go(func() {
			for p.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	p.queue.ShutDown()
	workers.Wait()
	return nil
}

// next makes one round. It answers false when the queue has ended.
func (p *Poller) next(ctx context.Context) bool {
	key, ended := p.queue.Get()
	if ended {
		return false
	}
	defer p.queue.Done(key)
	followed, ok := p.followed(key)
	if !ok {
		return true
	}
	changed := p.round(ctx, key, followed.UID)
	search, err := p.searchRound(ctx, key, followed.UID)
	if err != nil {
		logf.FromContext(ctx).Error(err, "finding nodes of OpenSearch to ask", "RAGService", key)
	}
	if changed || search {
		p.notify(ctx, key)
	}
	p.queue.AddAfter(key, p.interval(key))
	return true
}

// round asks every running server of a service and says whether its status would change.
func (p *Poller) round(ctx context.Context, key types.NamespacedName, uid types.UID) bool {
	servers, err := targets(ctx, p.reader, key, uid)
	if err != nil {
		logf.FromContext(ctx).Error(err, "finding servers to ask", "RAGService", key)
		return false
	}
	answers := make([]*answer, len(servers))
	var group errgroup.Group
	group.SetLimit(asksPerRound)
	for i, server := range servers {
		group.Go(func() error {
			said, how := p.ask(ctx, server)
			countAsk(how)
			if how == answered {
				answers[i] = &answer{said, p.now()}
			}
			return nil
		})
	}
	_ = group.Wait() // nothing in it fails
	if ctx.Err() != nil {
		return false
	}
	return p.record(key, uid, servers, answers)
}

// notify brings a service into the queue of the controller.
func (p *Poller) notify(ctx context.Context, key types.NamespacedName) {
	object := &v1alpha1.RAGService{}
	object.Namespace, object.Name = key.Namespace, key.Name
	select {
	case p.changes <- event.GenericEvent{Object: object}:
	case <-ctx.Done():
	}
}

// interval is the time until the next round of a service.
func (p *Poller) interval(key types.NamespacedName) time.Duration {
	interval := p.backoff(key)
	tenth := interval / 10
	return interval - tenth + rand.N(2*tenth) //nolint:gosec // spreads load, keeps no secret
}

func (p *Poller) backoff(key types.NamespacedName) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, known := p.services[key]
	if !known {
		return steadyInterval
	}
	interval := steadyInterval
	if s.Hurry {
		interval = hurriedInterval
	}
	for range s.failures {
		if interval *= 2; interval >= slowestInterval {
			return slowestInterval
		}
	}
	return interval
}
