package observe

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/searchnodes"
)

// heardCluster is what the nodes of an OpenSearch said last.
type heardCluster struct {
	searchnodes.Cluster
	// at is when they were asked; zero before the first answer.
	at time.Time
}

// WithSearchNodes replaces the client of nodes of OpenSearch.
func WithSearchNodes(nodes *searchnodes.Client) Option {
	return func(p *Poller) { p.searchNodes = nodes }
}

// searchRound asks a node of an OpenSearch of several how their cluster is, and says whether a pass should look at the answer: when it is
// another one than before, or while pods wait for it. A node that was never one of several has no other to wait for, and is not asked.
func (p *Poller) searchRound(ctx context.Context, key types.NamespacedName, uid types.UID) (bool, error) {
	var set appsv1.StatefulSet
	err := p.reader.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: desired.Name(key.Name, desired.ComponentOpenSearch)}, &set)
	if err != nil || set.Annotations[desired.AnnotationSeveralNodes] == "" || !metav1.IsControlledBy(&set, &metav1.ObjectMeta{UID: uid}) {
		return false, client.IgnoreNotFound(err)
	}
	pods, err := podsOf(ctx, p.reader, key, map[types.UID]desired.Component{set.UID: desired.ComponentOpenSearch})
	if err != nil {
		return false, err
	}
	var now heardCluster
	for _, pod := range pods {
		address, runs := runningAddress(pod.Pod)
		if !runs || !isReady(pod.Pod) {
			continue
		}
		asked := p.now()
		if said, err := p.searchNodes.Ask(ctx, address, desired.ClusterName(key)); err == nil {
			now = heardCluster{Cluster: said, at: asked}
			break
		}
	}
	waits := set.Status.UpdatedReplicas != set.Status.Replicas
	p.mu.Lock()
	defer p.mu.Unlock()
	s, known := p.services[key]
	if !known || s.UID != uid {
		return false, nil
	}
	if now.at.Before(s.told) {
		now = heardCluster{}
	}
	before := s.search
	s.search = now
	return !before.Equal(now.Cluster) || waits, nil
}

// SetLeaving tells the cluster of a node which of its nodes shall leave it, and forgets what it said before: a shard may be anywhere now.
func (p *Poller) SetLeaving(ctx context.Context, key types.NamespacedName, told desired.SetLeaving) error {
	id := searchnodes.ID{Name: desired.ClusterName(key), UUID: told.ClusterUUID}
	err := p.searchNodes.SetLeaving(ctx, told.Address, id, told.Nodes, told.Staying)
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, known := p.services[key]; known {
		s.search, s.told = heardCluster{}, p.now()
	}
	return err
}

// search is the last answer of the nodes of an OpenSearch.
func (p *Poller) search(key types.NamespacedName, uid types.UID) heardCluster {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, known := p.services[key]; known && s.UID == uid {
		return s.search
	}
	return heardCluster{}
}
