package cache

import (
	"hash/maphash"
	"sync/atomic"
)

// forgotten remembers when documents were forgotten, so that work which began before does not store their text after. It
// has a fixed size: documents share its slots by hash, and the worst of it is a result that is not stored.
type forgotten struct {
	count atomic.Int64
	slots [1024]atomic.Int64
}

var slotSeed = maphash.MakeSeed()

func (f *forgotten) slot(tenant, documentID string) *atomic.Int64 {
	h := maphash.Comparable(slotSeed, [2]string{tenant, documentID})
	return &f.slots[h%uint64(len(f.slots))]
}

// now is the moment to hand to since.
func (f *forgotten) now() int64 { return f.count.Load() }

func (f *forgotten) mark(tenant, documentID string) {
	f.slot(tenant, documentID).Store(f.count.Add(1))
}

// since reports whether one of the documents was forgotten after the moment.
func (f *forgotten) since(moment int64, tenant string, documentIDs []string) bool {
	for _, id := range documentIDs {
		if f.slot(tenant, id).Load() > moment {
			return true
		}
	}
	return false
}
