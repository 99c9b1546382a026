package localstore

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/blevesearch/bleve/v2/index/scorch"
)

// DiskState is what the disk lets the store do.
type DiskState string

// States of the disk.
const (
	// DiskOK: reads and writes.
	DiskOK DiskState = "ok"
	// DiskFull: reads and deletions; writes are refused until there is room again.
	DiskFull DiskState = "full"
	// DiskFailed: what is written does not reach the disk. Reads fail too while the index cannot write the last of it. It
	// ends when the disk takes the data that waits for it.
	DiskFailed DiskState = "failed"
	// DiskDamaged: a file of an index does not hold what was written to it. Reads of that index fail, and writes; the next
	// start makes the passages anew, or says what is wrong with the documents.
	DiskDamaged DiskState = "damaged"
	// DiskLost: the index no longer writes, and needs a restart of the server.
	DiskLost DiskState = "lost"
)

// persistPause is how long a failed write to the disk waits for the next try. bleve itself makes no pause.
const persistPause = 200 * time.Millisecond

// disk follows the states of all indices.
type disk struct {
	mu    sync.Mutex
	full  bool
	fault map[string]error // of an index, by name, until it has written again
	lost  bool
	// damaged is why an index cannot be read, by name.
	damaged map[string]error
	told    DiskState
	notify  func(DiskState, error)
}

func newDisk(notify func(DiskState, error)) *disk {
	if notify == nil {
		notify = func(DiskState, error) {}
	}
	return &disk{fault: map[string]error{}, damaged: map[string]error{}, told: DiskOK, notify: notify}
}

// change makes a change and tells of the state when that is another one.
func (d *disk) change(why error, change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
	if now := d.state(); now != d.told {
		d.told = now
		d.notify(now, why)
	}
}

func (d *disk) state() DiskState {
	switch {
	case len(d.damaged) > 0:
		return DiskDamaged
	case d.lost:
		return DiskLost
	case len(d.fault) > 0:
		return DiskFailed
	case d.full:
		return DiskFull
	default:
		return DiskOK
	}
}

// refusal is why nothing may be written now.
func (d *disk) refusal() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, err := range d.damaged {
		return err
	}
	for _, err := range d.fault {
		return fmt.Errorf("earlier changes have not reached the disk: %w", err)
	}
	return nil
}

// failed is bleve's callback for errors of its background work, which it calls from there: the pause holds its next try.
func (d *disk) failed(name string, err error) {
	switch {
	case errors.Is(err, scorch.ErrAsyncPanic):
		d.change(err, func() { d.fault[name], d.lost = err, true })
	case errors.Is(err, scorch.ErrPersist):
		d.change(err, func() { d.fault[name] = err })
		time.Sleep(persistPause)
	default: // a merge, which needs room for a while and is tried again
		time.Sleep(persistPause)
	}
}

// persisted is bleve's event that everything so far is on the disk.
func (d *disk) persisted(name string) {
	d.change(nil, func() {
		if !d.lost {
			delete(d.fault, name)
		}
	})
}

// found is that a file of an index is damaged.
func (d *disk) found(name string, err error) { d.change(err, func() { d.damaged[name] = err }) }

// readable is why an index may not be read.
func (d *disk) readable(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.damaged[name]
}

// callbacks counts the names under which indices are registered with bleve, whose registry has no lock of its own:
// registry is held while one is written or an index is opened.
var (
	registry  sync.Mutex
	callbacks atomic.Int64
)

// register makes bleve tell the disk of the index, and returns the configuration that says so.
func (d *disk) register(name string) map[string]any {
	callback := "ragservice-" + strconv.FormatInt(callbacks.Add(1), 10)
	scorch.RegistryAsyncErrorCallbacks[callback] = func(err error, _ string) { d.failed(name, err) }
	scorch.RegistryEventCallbacks[callback] = func(e scorch.Event) bool {
		debug.SetPanicOnFault(true) // in bleve's own goroutines, for what guarded does it for in others
		if e.Kind == scorch.EventKindPersisterProgress {
			d.persisted(name)
		}
		return true
	}
	return map[string]any{"bolt_timeout": "1s", "asyncErrorCallbackName": callback, "eventCallbackName": callback}
}

const (
	// maxReserve and reserveShare bound the room on the disk that writes leave for deletions and merges: 64 MiB, or half
	// of a small disk, since a merge writes everything anew before it removes the old.
	maxReserve   = 64 << 20
	reserveShare = 2
	// bytesPerByte is the room that a byte of text may take for a while: the text twice, its terms, and a merge.
	bytesPerByte = 4
)

var errNoRoom = errors.New("the disk of the data folder is nearly full: delete documents, or make room")

// admit refuses texts of so many bytes when the disk may have no room for them. What it refuses would fail anyway, and leave none for the
// deletion that makes room. The refusal is told once; deletions are never refused.
func (s *Store) admit(bytes int) error {
	if s.dir == "" {
		return nil
	}
	if err := s.disk.refusal(); err != nil {
		return err
	}
	free, total, err := diskRoom(s.dir)
	if err != nil {
		return fmt.Errorf("look for room on the disk: %w", err)
	}
	need := min(maxReserve, total/reserveShare) + bytesPerByte*uint64(bytes) //nolint:gosec // a length
	full := free < need
	s.disk.change(errNoRoom, func() { s.disk.full = full })
	if full {
		return errNoRoom
	}
	return nil
}
