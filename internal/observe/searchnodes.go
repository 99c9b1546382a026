package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// clusterHealth is what the nodes of an OpenSearch said last.
type clusterHealth struct {
	// at is when they were asked; zero before the first answer.
	at time.Time
	// green says that every shard has all its copies, nodes how many have joined.
	green bool
	nodes int32
	uuid  string
}

// searchAddress is where OpenSearch listens.
func searchAddress(pod netip.Addr) string {
	return net.JoinHostPort(pod.String(), strconv.Itoa(int(desired.OpenSearchPort)))
}

// WithSearchAddress is WithAddress for nodes of OpenSearch.
func WithSearchAddress(address func(pod netip.Addr) string) Option {
	return func(p *Poller) { p.searchAddress = address }
}

// searchRound asks a node of an OpenSearch of several how their cluster is, and says whether a pass should look at the answer: when it is
// another one than before, or while pods wait for it. A single node has no other to wait for, and is not asked.
func (p *Poller) searchRound(ctx context.Context, key types.NamespacedName, uid types.UID) (bool, error) {
	var set appsv1.StatefulSet
	err := p.reader.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: desired.Name(key.Name, desired.ComponentOpenSearch)}, &set)
	if err != nil || ptr.Deref(set.Spec.Replicas, 1) == 1 || !metav1.IsControlledBy(&set, &metav1.ObjectMeta{UID: uid}) {
		return false, client.IgnoreNotFound(err)
	}
	pods, err := podsOf(ctx, p.reader, key, map[types.UID]desired.Component{set.UID: desired.ComponentOpenSearch})
	if err != nil {
		return false, err
	}
	now := clusterHealth{}
	for _, pod := range pods {
		address, runs := runningAddress(pod.Pod)
		if !runs || !isReady(pod.Pod) {
			continue
		}
		asked := p.now()
		if now, err = p.askNode(ctx, address); err == nil {
			now.at = asked
			break
		}
		now = clusterHealth{}
	}
	waits := set.Status.UpdatedReplicas != set.Status.Replicas
	p.mu.Lock()
	defer p.mu.Unlock()
	s, known := p.services[key]
	if !known || s.UID != uid {
		return false, nil
	}
	before := s.search
	s.search = now
	before.at = now.at
	return before != now || waits, nil
}

// clusterUUID is the form of a cluster's UUID: 128 bits in base64url.
var clusterUUID = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)

var errForeignNode = errors.New("what answers is no node of OpenSearch that has joined a cluster")

// askNode asks one node. Of its answers no more than two numbers, a word and a UUID leave this function.
func (p *Poller) askNode(ctx context.Context, pod netip.Addr) (clusterHealth, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var info struct {
		ClusterUUID string `json:"cluster_uuid"`
	}
	var health struct {
		Status     string `json:"status"`
		Nodes      int32  `json:"number_of_nodes"`
		Relocating int    `json:"relocating_shards"`
	}
	base := "http://" + p.searchAddress(pod)
	if err := p.getJSON(ctx, base+"/", &info); err != nil {
		return clusterHealth{}, err
	}
	if err := p.getJSON(ctx, base+"/_cluster/health", &health); err != nil {
		return clusterHealth{}, err
	}
	if !clusterUUID.MatchString(info.ClusterUUID) {
		return clusterHealth{}, errForeignNode
	}
	return clusterHealth{green: health.Status == "green" && health.Relocating == 0, nodes: health.Nodes, uuid: info.ClusterUUID}, nil
}

func (p *Poller) getJSON(ctx context.Context, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("OpenSearch answers %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// search is the last answer of the nodes of an OpenSearch.
func (p *Poller) search(key types.NamespacedName, uid types.UID) clusterHealth {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, known := p.services[key]; known && s.UID == uid {
		return s.search
	}
	return clusterHealth{}
}
