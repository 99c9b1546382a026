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
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ragservice/ragservice-operator/internal/searchnodes"
	"github.com/ragservice/ragservice-operator/internal/workers"
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
	*workers.Pool

	reader  client.Reader
	client  *http.Client
	address func(pod netip.Addr) string
	// searchNodes asks nodes of OpenSearch.
	searchNodes *searchnodes.Client
	now         func() time.Time

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
		Pool:        workers.New(rounds),
		reader:      reader,
		client:      asking,
		address:     adminAddress,
		searchNodes: searchnodes.New(asking, nil),
		now:         time.Now,
		services:    map[types.NamespacedName]*service{},
	}
	for _, option := range options {
		option(p)
	}
	return p
}

// Start asks until ctx ends.
func (p *Poller) Start(ctx context.Context) error {
	p.Work(ctx, p.next)
	return nil
}

// next makes one round, and has the next one follow.
func (p *Poller) next(ctx context.Context, key types.NamespacedName) {
	followed, ok := p.followed(key)
	if !ok {
		return
	}
	changed := p.round(ctx, key, followed.UID)
	search, err := p.searchRound(ctx, key, followed.UID)
	if err != nil {
		logf.FromContext(ctx).Error(err, "finding nodes of OpenSearch to ask", "RAGService", key)
	}
	if changed || search {
		p.Tell(ctx, key)
	}
	p.Queue.AddAfter(key, p.interval(key))
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
