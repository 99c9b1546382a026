package opensearch

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

const (
	// CallTimeout bounds each call to OpenSearch but the writes below, unless Options say otherwise.
	CallTimeout = 5 * time.Second
	// WriteTimeout bounds each bulk of writes and each refresh, unless Options say otherwise: no reader waits for them, and
	// OpenSearch takes seconds for those of a document of some megabytes, more when it is busy. It is less than the minute for
	// which OpenSearch remembers the version of a chunk that was deleted (see chunkTarget).
	WriteTimeout = 30 * time.Second
)

// Options are what a Store needs.
type Options struct {
	Config config.OpenSearch
	// Credentials are sent to what has shown a certificate alone.
	Credentials config.OpenSearchCredentials
	// Replicas is asked, again and again, how many further copies of each shard there shall be; nil means as many as Config says.
	Replicas func() int
	// Analyser makes the terms of texts and queries; nil means one for English.
	Analyser *terms.Analyser
	// Timeout bounds each call but bulks and refreshes; 0 means CallTimeout.
	Timeout time.Duration
	// WriteTimeout bounds each bulk of writes and each refresh; 0 means WriteTimeout.
	WriteTimeout time.Duration
	// Now is the clock that tombstones are dated by; nil means time.Now.
	Now func() time.Time
	// Observe is told of each call when it has ended: operation is one of "search", "read", "write", "refresh", "count",
	// "control", "ensure", "disk", "blocks", "snapshot"; outcome is what Outcome says of its error. It may be nil.
	Observe func(operation, outcome string, took time.Duration)
	// AbandonedAfter is how long a change may be open without a sign of its writer; 0 means rag.AbandonedAfter.
	AbandonedAfter time.Duration
	// ConnectionLifetime is the greatest age of a connection; 0 means 5 minutes.
	ConnectionLifetime time.Duration
	// Breaker is asked for each call how many failures in a row make requests' calls fail at once, and for how long before one is let
	// through; nil means 5 and 30 s.
	Breaker func() (failures int, openFor time.Duration)
	// OnRebuild is told how many of the records this server has copied, while it rebuilds the index. It may be nil.
	OnRebuild func(done, total int)
	// OnHealth is told by Run when the indices can be used for the first time or again, and when they could not be for
	// 5 s, with the last error. It must return soon. It may be nil.
	OnHealth func(up bool, err error)
}

// Store is the documents, the search over them, the control document and feedback, in OpenSearch. It is safe for concurrent use, by any
// number of replicas.
type Store struct {
	client connections
	// controlClient has connections of its own, so that the control document is read in time however many others are busy.
	controlClient  connections
	index          string
	shards         int
	replicas       func() int
	analyser       *terms.Analyser
	timeout        time.Duration
	writeTimeout   time.Duration
	abandonedAfter time.Duration
	now            func() time.Time
	observe        func(operation, outcome string, took time.Duration)
	onRebuild      func(done, total int)
	onHealth       func(up bool, err error)
	guard          *resilience.Guard
	control        control
	leases         leases
	// current says that the index in use is one that this server may search.
	current atomic.Bool
	// metSwap says that a write found its index closed, as a rebuild closes the old one for its last steps.
	metSwap atomic.Bool
}

var (
	_ rag.Index         = (*Store)(nil)
	_ rag.DocumentStore = (*Store)(nil)
	_ rag.Control       = (*Store)(nil)
	_ rag.FeedbackStore = (*Store)(nil)
)

// New makes a Store. It connects to nothing: see Run and Ensure. Close releases its connections.
func New(o Options) (*Store, error) {
	s := &Store{
		index: o.Config.Index, shards: max(1, o.Config.Shards), replicas: o.Replicas,
		analyser: o.Analyser, timeout: o.Timeout, abandonedAfter: o.AbandonedAfter,
		now: o.Now, observe: o.Observe, onRebuild: o.OnRebuild, onHealth: o.OnHealth,
		guard:   newGuard(o.Breaker),
		control: newControl(),
		leases:  leases{seen: map[string]leaseSeen{}},
	}
	if s.replicas == nil {
		s.replicas = func() int { return o.Config.Replicas }
	}
	if s.abandonedAfter == 0 {
		s.abandonedAfter = rag.AbandonedAfter
	}
	if s.analyser == nil {
		s.analyser = terms.New([]string{"en"})
	}
	if o.ConnectionLifetime == 0 {
		o.ConnectionLifetime = connectionLifetime
	}
	if s.timeout == 0 {
		s.timeout = CallTimeout
	}
	if s.writeTimeout = o.WriteTimeout; s.writeTimeout == 0 {
		s.writeTimeout = WriteTimeout
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.observe == nil {
		s.observe = func(string, string, time.Duration) {}
	}
	if s.onRebuild == nil {
		s.onRebuild = func(int, int) {}
	}
	if s.onHealth == nil {
		s.onHealth = func(bool, error) {}
	}
	if len(o.Config.URLs) == 0 || o.Config.Index == "" {
		return nil, errors.New("openSearch needs urls and an index")
	}
	way, err := newWay(o)
	if err != nil {
		return nil, err
	}
	if s.client, err = way.connect(); err != nil {
		return nil, fmt.Errorf("make the client of OpenSearch: %w", err)
	}
	if s.controlClient, err = way.connect(); err != nil {
		return nil, errors.Join(fmt.Errorf("make the client of the control document: %w", err), s.client.Close())
	}
	return s, nil
}

// Close ends the clients' background work and closes idle connections.
func (s *Store) Close() error { return errors.Join(s.client.Close(), s.controlClient.Close()) }
