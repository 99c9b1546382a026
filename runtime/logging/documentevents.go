package logging

import "time"

// IndexRebuilding is the progress of passages that are made anew, because another analyser made those of the index, or it is
// damaged.
type IndexRebuilding struct {
	// Done of Total documents are done.
	Done, Total int
}

func (e IndexRebuilding) describe(l *line) {
	l.is("index_rebuilding", LevelInfo)
	l.int("done", int64(e.Done))
	l.int("total", int64(e.Total))
}

// DocumentsWritten is an upload that was read to its end.
type DocumentsWritten struct{ Created, Updated, Unchanged, Failed int }

func (e DocumentsWritten) describe(l *line) {
	l.is("documents_written", LevelInfo)
	l.int("created", int64(e.Created))
	l.int("updated", int64(e.Updated))
	l.int("unchanged", int64(e.Unchanged))
	l.int("failed", int64(e.Failed))
}

// DocumentsFailed is an upload of which documents failed for a reason of the service.
type DocumentsFailed struct {
	Code   string
	Failed int
	Err    error
}

func (e DocumentsFailed) describe(l *line) {
	l.is("error_occurred", LevelError)
	l.code(e.Code)
	l.int("documents_failed", int64(e.Failed))
	l.error(e.Err)
}

// DocumentRecovered is a write or deletion (Kind: creation, update, deletion, or terms of another version) that a killed server left half done and this
// one ended.
type DocumentRecovered struct {
	Tenant, DocumentID, Kind string
	// Began is when the killed server began it.
	Began time.Time
}

func (e DocumentRecovered) describe(l *line) {
	l.is("document_recovered", LevelWarning)
	l.string("tenant", e.Tenant)
	l.string("document_id", e.DocumentID)
	l.string("kind", e.Kind)
	l.string("began", e.Began.UTC().Format(time.RFC3339))
}

// RecoveryFailed is a round of recovering documents that a fault of the store ended; the next is soon.
type RecoveryFailed struct {
	Code string
	Err  error
}

func (e RecoveryFailed) describe(l *line) {
	l.is("error_occurred", LevelWarning)
	l.dependency("documents")
	l.code(e.Code)
	l.error(e.Err)
}

// DiskFailed is a disk that does not take what is to be written; State says what still goes: full, failed,
// damaged or lost.
type DiskFailed struct {
	State string
	Err   error
}

func (e DiskFailed) describe(l *line) {
	l.is("disk_failed", LevelCritical)
	l.code(e.State)
	l.error(e.Err)
}

// DiskRecovered is a disk that takes it again.
type DiskRecovered struct{}

func (DiskRecovered) describe(l *line) { l.is("disk_recovered", LevelInfo) }

// IndexDamaged is a search index that is made anew from the documents, because a file of it is damaged.
type IndexDamaged struct{ Err error }

func (e IndexDamaged) describe(l *line) {
	l.is("index_damaged", LevelCritical)
	l.error(e.Err)
}
