package controller

import (
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// staleLimit bounds how long a pass waits for the cache to show the last status write. A cache is behind for
// milliseconds; an etcd restored from a backup is behind for good, and must not stop the operator.
const staleLimit = 10 * time.Second

// departureLife is how long a deleted RAGService is remembered whose volumes go: longer than the garbage collector takes.
const departureLife = 10 * time.Minute

// memory is what the process remembers of RAGServices. A restart may lose all of it: it costs a write too many of
// numbers, or an event.
type memory struct {
	mu      sync.Mutex
	entries map[types.NamespacedName]remembered
	// gone are those that were deleted with their volumes a short while ago.
	gone map[types.NamespacedName]departure
}

type departure struct {
	uid types.UID
	at  time.Time
}

type remembered struct {
	uid types.UID
	// numbers is when status.cache or status.alerts was last written.
	numbers time.Time
	// version is the resourceVersion that the last status write made, written its time.
	version string
	written time.Time
	// complete is the generation of which everything was written.
	complete int64
	// takesVolumes says that its volumes go with it.
	takesVolumes bool
	// foreign is the operator that works on the RAGService, where it is another one.
	foreign string
}

func newMemory() *memory {
	return &memory{entries: map[types.NamespacedName]remembered{}, gone: map[types.NamespacedName]departure{}}
}

// update changes the entry of a RAGService, which is a new one for a UID that was not known.
func (m *memory) update(rag *v1alpha1.RAGService, change func(*remembered)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := client.ObjectKeyFromObject(rag)
	entry := m.entries[key]
	if entry.uid != rag.UID {
		entry = remembered{uid: rag.UID}
	}
	change(&entry)
	m.entries[key] = entry
}

// recordPass notes a pass, whether it wrote numbers, and whether all was written that the spec asks for.
func (m *memory) recordPass(rag *v1alpha1.RAGService, now time.Time, numbers, complete bool) {
	m.update(rag, func(e *remembered) {
		e.takesVolumes = rag.Spec.DeletionPolicy == v1alpha1.DeletionPolicyDelete
		if complete {
			e.complete = rag.Generation
		}
		if numbers {
			e.numbers = now
		}
	})
}

// recordStatusWrite notes that rag is as a status write returned it.
func (m *memory) recordStatusWrite(rag *v1alpha1.RAGService, now time.Time) {
	m.update(rag, func(e *remembered) { e.version, e.written = rag.ResourceVersion, now })
}

// isStale says that rag was read from a cache that does not show the last status write yet. A pass over it would
// compare its verdict with a status of before, and might leave a wrong one standing.
func (m *memory) isStale(rag *v1alpha1.RAGService, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	entry := m.entries[client.ObjectKeyFromObject(rag)]
	if entry.uid != rag.UID || entry.version == "" || now.Sub(entry.written) > staleLimit {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(rag.ResourceVersion, entry.version)
	return err == nil && order < 0
}

// isComplete says that everything of rag's generation was written before.
func (m *memory) isComplete(rag *v1alpha1.RAGService) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	entry := m.entries[client.ObjectKeyFromObject(rag)]
	return entry.uid == rag.UID && entry.complete == rag.Generation
}

func (m *memory) numbersWritten(rag *v1alpha1.RAGService) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if entry := m.entries[client.ObjectKeyFromObject(rag)]; entry.uid == rag.UID {
		return entry.numbers
	}
	return time.Time{}
}

// remove forgets a RAGService and says which one it was, if this operator worked on it.
func (m *memory) remove(key types.NamespacedName, now time.Time) (types.UID, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	entry, known := m.entries[key]
	delete(m.entries, key)
	known = known && entry.foreign == ""
	if known && entry.takesVolumes {
		maps.DeleteFunc(m.gone, func(_ types.NamespacedName, d departure) bool { return now.Sub(d.at) > departureLife })
		m.gone[key] = departure{entry.uid, now}
	}
	return entry.uid, known
}

// goneWithVolumes is the RAGService of that name which was last deleted with its volumes.
func (m *memory) goneWithVolumes(key types.NamespacedName, now time.Time) (types.UID, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, known := m.gone[key]
	return d.uid, known && now.Sub(d.at) <= departureLife
}

// recordOperator notes the operator that works on rag, empty for this one, and says whether that is news.
func (m *memory) recordOperator(rag *v1alpha1.RAGService, foreign string) (changed bool) {
	m.update(rag, func(e *remembered) {
		changed = e.foreign != foreign
		e.foreign = foreign
	})
	return changed
}
