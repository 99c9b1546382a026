package observe

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// answerLife is how long an answer stands for a server that does not answer any more: two rounds, so that one lost packet changes no
// status, and that no server answers is told within 30 s: the second round without an answer ends after 22 to 26 s.
const answerLife = 20 * time.Second

// roundLife is how long a round tells of now: the longest interval and half of it.
const roundLife = 3 * slowestInterval / 2

// Followed is a RAGService whose servers are asked.
type Followed struct {
	// UID tells it from another of its name.
	UID types.UID
	// Hurry asks every 1.5 s instead of 10 s, while a configuration is on its way.
	Hurry bool
	// Service is the RAGService with the status that is shown. It is not written to.
	Service *v1alpha1.RAGService
}

// answer is what a server said, and when.
type answer struct {
	telemetry.Statusz
	at time.Time
}

// service is what the poller knows of a RAGService.
type service struct {
	Followed
	// answers are the last ones, by pod.
	answers map[types.UID]answer
	latest  status.Poll
	// search is what the nodes of OpenSearch said last, where there are several.
	search heardCluster
	// told is when their cluster was last told which of them leave: what it said before is out of date.
	told time.Time
	// history is what they counted.
	history history
	// notified are the figures of which the controller was last notified, once, while pending says that the status does not show
	// them yet.
	notified status.Numbers
	pending  bool
	// failures are the rounds in a row after which no answer of a ready server stood: those that lost one packet, or in
	// which an answer has yet to grow old, are made as often as others.
	failures int
}

// Follow begins to ask the servers of a RAGService, or takes up what has changed of it. A new one, and one that begins
// to hurry, is asked at once.
func (p *Poller) Follow(key types.NamespacedName, followed Followed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, known := p.services[key]
	if !known || s.UID != followed.UID {
		s = &service{answers: map[types.UID]answer{}, history: newHistory(p.now())}
		p.services[key] = s
	}
	soon := s.UID == "" || (followed.Hurry && !s.Hurry)
	s.Followed = followed
	if soon {
		s.failures = 0
		p.Queue.Add(key)
	}
}

// Forget ends it.
func (p *Poller) Forget(key types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.services, key)
	lastAnswer.DeleteLabelValues(key.Namespace, key.Name)
}

// Latest is the last round of a RAGService; zero before the first, and when it is too old to tell of now.
func (p *Poller) Latest(key types.NamespacedName, uid types.UID) status.Poll {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, known := p.services[key]; known && s.UID == uid && p.now().Sub(s.latest.At) <= roundLife {
		return s.latest
	}
	return status.Poll{}
}

func (p *Poller) followed(key types.NamespacedName) (Followed, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, known := p.services[key]
	if !known {
		return Followed{}, false
	}
	return s.Followed, true
}

// record keeps the answers of a round, in the order of servers (nil for none), and says whether a status would change.
func (p *Poller) record(key types.NamespacedName, uid types.UID, servers []target, answers []*answer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, known := p.services[key]
	if !known || s.UID != uid {
		return false
	}
	now := p.now()
	kept := make(map[types.UID]answer, len(servers))
	latest := status.Poll{At: now}
	heard := false
	var silent []string
	for i, server := range servers {
		if answers[i] != nil {
			heard = heard || server.ready
			s.history.take(&answers[i].Statusz, now)
			kept[server.uid] = *answers[i]
		} else if old, spoke := s.answers[server.uid]; spoke && now.Sub(old.at) < answerLife {
			kept[server.uid] = old
		}
		if server.ready {
			latest.Asked++
		}
		switch said, spoke := kept[server.uid]; {
		case spoke && server.ready:
			latest.Reports = append(latest.Reports, said.Statusz)
		case spoke:
			latest.Unready = append(latest.Unready, said.Statusz)
		case server.ready:
			silent = append(silent, string(server.uid))
		}
	}
	latest.Traffic = s.history.traffic(latest, silent, now)
	sortByPod(latest.Reports)
	sortByPod(latest.Unready)
	switch {
	case heard:
		s.failures = 0
		lastAnswer.WithLabelValues(key.Namespace, key.Name).Set(float64(now.Unix()))
	case latest.Asked > 0 && len(latest.Reports) == 0:
		s.failures++
	}
	before := s.latest
	s.answers, s.latest = kept, latest
	return s.newFigures() || before.At.IsZero() || differ(before, s.latest)
}

func sortByPod(all []telemetry.Statusz) {
	slices.SortFunc(all, func(a, b telemetry.Statusz) int { return strings.Compare(a.PodUID, b.PodUID) })
}

// newFigures says that the figures of a status would move, once for each move.
func (s *service) newFigures() bool {
	rag := s.Service
	if rag == nil {
		rag = &v1alpha1.RAGService{} // followed before its first pass has ended
	}
	figures := status.NumbersOf(rag, s.latest)
	if equality.Semantic.DeepEqual(figures, status.NumbersShown(rag)) {
		s.notified, s.pending = status.Numbers{}, false
		return false
	}
	if s.pending && equality.Semantic.DeepEqual(figures, s.notified) {
		return false
	}
	s.notified, s.pending = figures, true
	return true
}

// differ compares two rounds but for traffic, of which newFigures judges the rates.
func differ(a, b status.Poll) bool {
	quiet := func(all []telemetry.Statusz) []telemetry.Statusz {
		out := slices.Clone(all)
		for i := range out {
			out[i].Cache, out[i].WindowSeconds = nil, 0
		}
		return out
	}
	return a.Asked != b.Asked || status.EnoughRequests(a.Reports) != status.EnoughRequests(b.Reports) ||
		!equality.Semantic.DeepEqual(quiet(a.Reports), quiet(b.Reports)) ||
		!equality.Semantic.DeepEqual(quiet(a.Unready), quiet(b.Unready))
}
