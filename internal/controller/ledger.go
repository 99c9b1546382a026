package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// ledger is what the process remembers of RAGServices. A restart may lose all of it: it costs a write too many of
// numbers, or an event.
type ledger struct {
	mu      sync.Mutex
	entries map[types.NamespacedName]ledgerEntry
}

type ledgerEntry struct {
	uid types.UID
	// numbers is when status.cache was last written.
	numbers time.Time
}

func newLedger() *ledger { return &ledger{entries: map[types.NamespacedName]ledgerEntry{}} }

// saw notes a pass, and whether it wrote numbers.
func (l *ledger) saw(rag *v1alpha1.RAGService, now time.Time, numbers bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := client.ObjectKeyFromObject(rag)
	entry := l.entries[key]
	if entry.uid != rag.UID {
		entry = ledgerEntry{uid: rag.UID}
	}
	if numbers {
		entry.numbers = now
	}
	l.entries[key] = entry
}

func (l *ledger) numbersWritten(rag *v1alpha1.RAGService) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if entry := l.entries[client.ObjectKeyFromObject(rag)]; entry.uid == rag.UID {
		return entry.numbers
	}
	return time.Time{}
}

// strike forgets a RAGService and says which one it was, if it was known.
func (l *ledger) strike(key types.NamespacedName) (types.UID, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry, known := l.entries[key]
	delete(l.entries, key)
	return entry.uid, known
}
