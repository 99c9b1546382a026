package opensearch

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"
)

// leaseDocument is a lease in the control index. Without an owner nobody holds it.
type leaseDocument struct {
	Owner string `json:"owner"`
	// Renewals counts signs of life of the owner.
	Renewals int64 `json:"renewals"`
}

type versionedLease struct {
	Source      leaseDocument `json:"_source"`
	SeqNo       int64         `json:"_seq_no"`
	PrimaryTerm int64         `json:"_primary_term"`
	Found       bool          `json:"found"`
}

// leaseSeen is the last sign of life of an owner, and when this replica saw it first.
type leaseSeen struct {
	leaseDocument
	since time.Time
}

// leases are the leases that this replica has seen others hold.
type leases struct {
	mu   sync.Mutex
	seen map[string]leaseSeen
}

// Lease runs work while this replica holds the lease of that name. Whether an owner lives is judged by this replica's own
// clock: a lease is taken over when its document stayed as it is for ttl.
func (s *Store) Lease(ctx context.Context, name string, ttl time.Duration, work func(context.Context) error) (held bool, err error) {
	lease, err := s.acquireLease(ctx, name, ttl)
	if err != nil || lease == nil {
		return false, err
	}
	ctx, lost := context.WithCancel(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		defer lost()
		s.renewLease(ctx, name, ttl, lease)
	}()
	err = work(ctx)
	lost()
	<-renewed
	released, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	_ = s.putLease(released, name, lease, leaseDocument{}) // else it ends with its ttl
	return true, err
}

// acquireLease takes the lease, or returns nil when another replica holds it.
func (s *Store) acquireLease(ctx context.Context, name string, ttl time.Duration) (*versionedLease, error) {
	lease, err := s.readLease(ctx, name)
	if err != nil {
		return nil, err
	}
	if lease.Source.Owner != "" && !s.leaseIsStale(name, lease.Source, ttl) {
		return nil, nil
	}
	err = s.putLease(ctx, name, &lease, leaseDocument{Owner: rand.Text()})
	if answered(err, http.StatusConflict) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &lease, nil
}

// leaseIsStale says whether this replica has seen the lease unchanged for ttl.
func (s *Store) leaseIsStale(name string, now leaseDocument, ttl time.Duration) bool {
	s.leases.mu.Lock()
	defer s.leases.mu.Unlock()
	seen, ok := s.leases.seen[name]
	if !ok || seen.leaseDocument != now {
		s.leases.seen[name] = leaseSeen{leaseDocument: now, since: time.Now()}
		return false
	}
	return time.Since(seen.since) >= ttl
}

// renewLease renews the lease three times in its ttl, until ctx ends or the lease is lost: another replica took it, or
// no renewal was answered for ttl.
func (s *Store) renewLease(ctx context.Context, name string, ttl time.Duration, lease *versionedLease) {
	for last := time.Now(); time.Since(last) < ttl; {
		if pause(ctx, ttl/3) != nil {
			return
		}
		sent := time.Now()
		next := lease.Source
		next.Renewals++
		// Not cancelled with the work: the place of the lease must be known for its release.
		err := s.putLease(context.WithoutCancel(ctx), name, lease, next)
		if answered(err, http.StatusConflict) {
			return
		}
		if err == nil {
			last = sent
		}
	}
}

func (s *Store) readLease(ctx context.Context, name string) (versionedLease, error) {
	var lease versionedLease
	err := s.do(ctx, call{
		operation: "control", method: http.MethodGet, control: true,
		request: func() opensearch.Request {
			return opensearchapi.DocumentGetReq{
				Index: s.controlIndex(), DocumentID: leaseID(name), Params: opensearchapi.DocumentGetParams{Preference: primary},
			}
		},
	}, &lease)
	if answered(err, http.StatusNotFound) && answeredKind(err, "") { // of an index it has a kind
		return versionedLease{}, nil
	}
	return lease, err
}

// putLease writes the lease unless another replica has written it since, and remembers its new place.
func (s *Store) putLease(ctx context.Context, name string, lease *versionedLease, d leaseDocument) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	params := opensearchapi.IndexParams{OpType: "create"}
	if lease.Found {
		seqNo, primaryTerm := int(lease.SeqNo), int(lease.PrimaryTerm)
		params = opensearchapi.IndexParams{IfSeqNo: &seqNo, IfPrimaryTerm: &primaryTerm}
	}
	written := versionedLease{Found: true}
	err = s.do(ctx, call{
		operation: "control", method: http.MethodPut, control: true,
		request: func() opensearch.Request {
			return opensearchapi.IndexReq{Index: s.controlIndex(), DocumentID: leaseID(name), Body: bytes.NewReader(body), Params: params}
		},
	}, &written)
	if err == nil {
		*lease, lease.Source = written, d
	}
	return err
}

func leaseID(name string) string { return "lease-" + name }
