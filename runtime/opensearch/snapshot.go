package opensearch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

const (
	// snapshotPoll passes before a snapshot or a restore under way is asked for a second time, then twice as long each time, snapshotPollMost
	// at most.
	snapshotPoll     = 250 * time.Millisecond
	snapshotPollMost = 2 * time.Second
	// snapshotPatience is how long OpenSearch may give no answer about a snapshot under way, or a restore may make no progress.
	snapshotPatience = 2 * time.Minute
	// repositoryTimeout bounds calls that read or write a few files of a repository on every node, deleteTimeout the deletion of
	// snapshots, which walks the files of all.
	repositoryTimeout = 30 * time.Second
	deleteTimeout     = 10 * time.Minute
	// deletedAtOnce is how many snapshots are named in one request: the first line of one may have 4 kB.
	deletedAtOnce = 20
	// snapshotTime ends the names of snapshots: the UTC second in which they began.
	snapshotTime = "20060102-150405"
)

// States of a snapshot that are told from the others, FAILED and PARTIAL among them.
const (
	SnapshotInProgress = "IN_PROGRESS"
	SnapshotSuccess    = "SUCCESS"
)

// ErrNoSnapshot says that there is no complete snapshot of that name.
var ErrNoSnapshot = errors.New("there is no such snapshot")

// ErrNothingToKeep says that there are no documents, and were before: snapshots of nothing would take the place of those that hold them.
var ErrNothingToKeep = errors.New("there is no document any more, so that no snapshot is taken: restore one, " +
	"or delete them in OpenSearch if the documents were deleted on purpose")

// Snapshot is one of a service's documents.
type Snapshot struct {
	Name string
	// State is SnapshotInProgress, SnapshotSuccess or another of OpenSearch's.
	State string
	// Began and Ended are moments by OpenSearch's clock; Ended is zero of one that is under way.
	Began, Ended time.Time
	snapshotMetadata
}

// snapshotMetadata is what a snapshot knows of itself.
type snapshotMetadata struct {
	// Index is the concrete index that is in it, and Version says how its content was made.
	Index   string `json:"index"`
	Version string `json:"version"`
}

// Snapshots takes, lists, deletes and restores snapshots of the documents of a Store, by the API that every OpenSearch has. They are
// named after the service, so that several services can share a repository.
type Snapshots struct {
	store *Store
	where config.Snapshots
	// prefix begins the names of this service's.
	prefix string
	// onProgress is told how much of the bytes of a snapshot or a restore under way is done.
	onProgress func(done, total int64)
}

// NewSnapshots are those of a service's documents, which are in a Store. They need its calls and nothing that its Run does. onProgress
// may be nil.
func NewSnapshots(s *Store, where config.Snapshots, service config.Service, onProgress func(done, total int64)) *Snapshots {
	if onProgress == nil {
		onProgress = func(int64, int64) {}
	}
	return &Snapshots{store: s, where: where, prefix: service.Namespace + "." + service.Name + "-", onProgress: onProgress}
}

// Take takes a snapshot and returns when it is complete. It takes none of an index that has lost its documents. One that is under way
// already, as a process leaves it that was killed, is waited for in place of a new one. When ctx ends the snapshot goes on.
func (s *Snapshots) Take(ctx context.Context) (Snapshot, error) {
	if err := s.openRepository(ctx); err != nil {
		return Snapshot{}, err
	}
	all, err := s.list(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	if at := slices.IndexFunc(all, func(one Snapshot) bool { return one.State == SnapshotInProgress }); at >= 0 {
		return s.await(ctx, all[at].Name)
	}
	known, err := s.store.readControl(ctx, s.store.timeout)
	if err != nil {
		return Snapshot{}, fmt.Errorf("look for the documents, whose index the first server makes: %w", err)
	}
	documents, err := s.store.countRecords(pinned(ctx, known.Source.Index))
	if err != nil {
		return Snapshot{}, fmt.Errorf("count the documents: %w", err)
	}
	if documents == 0 && slices.ContainsFunc(all, func(one Snapshot) bool { return one.State == SnapshotSuccess }) {
		return Snapshot{}, ErrNothingToKeep
	}
	name := s.prefix + s.store.now().UTC().Format(snapshotTime)
	err = s.create(ctx, name, known.Source.Index, known.Source.Analyser)
	if err != nil && !answeredKind(err, "invalid_snapshot_name_exception") { // else another has begun it in the same second
		return Snapshot{}, fmt.Errorf("begin the snapshot %s: %w", name, err)
	}
	return s.await(ctx, name)
}

// create begins a snapshot of one index. The control document is not in it: it names states of the documents that nobody may
// take for those of before.
func (s *Snapshots) create(ctx context.Context, name, index, version string) error {
	body, err := json.Marshal(map[string]any{
		"indices": index, "include_global_state": false, "metadata": snapshotMetadata{Index: index, Version: version},
	})
	if err != nil {
		return err
	}
	return s.do(ctx, repositoryTimeout, http.MethodPut, func() opensearch.Request {
		return opensearchapi.SnapshotCreateReq{Repo: s.where.Repository, Snapshot: name, Body: bytes.NewReader(body)}
	}, nil)
}

// await returns when a snapshot has ended, in success or not.
func (s *Snapshots) await(ctx context.Context, name string) (Snapshot, error) {
	heard, wait := time.Now(), snapshotPoll
	for {
		found, err := s.get(ctx, name)
		switch {
		case err == nil && found.State == SnapshotSuccess:
			return found, nil
		case err == nil && found.State != SnapshotInProgress:
			return found, fmt.Errorf("the snapshot %s ended as %s: the log of OpenSearch tells why", name, found.State)
		case err == nil:
			heard = time.Now()
			s.progress(ctx, name)
		case errors.Is(err, ErrNoSnapshot):
			return Snapshot{}, fmt.Errorf("OpenSearch could not begin the snapshot %s: can its nodes write to the repository %s? Their log tells more",
				name, s.where.Repository)
		case time.Since(heard) > snapshotPatience:
			return Snapshot{}, fmt.Errorf("ask for the snapshot %s: %w", name, err)
		}
		if err := pause(ctx, wait); err != nil {
			return Snapshot{}, err
		}
		wait = min(2*wait, snapshotPollMost)
	}
}

// progress tells how far a snapshot is. It is no more than told, so that an error is none of the snapshot.
func (s *Snapshots) progress(ctx context.Context, name string) {
	var answer struct {
		Snapshots []struct {
			Stats struct {
				Processed struct {
					Size int64 `json:"size_in_bytes"`
				} `json:"processed"`
				Incremental struct {
					Size int64 `json:"size_in_bytes"`
				} `json:"incremental"`
			} `json:"stats"`
		} `json:"snapshots"`
	}
	err := s.do(ctx, repositoryTimeout, http.MethodGet, func() opensearch.Request {
		return opensearchapi.SnapshotStatusReq{Repo: s.where.Repository, Snapshots: []string{name}}
	}, &answer)
	if err != nil || len(answer.Snapshots) != 1 {
		return
	}
	if stats := answer.Snapshots[0].Stats; stats.Incremental.Size > 0 { // else it is not known yet
		s.onProgress(stats.Processed.Size, stats.Incremental.Size)
	}
}

// List is the service's snapshots, the newest first.
func (s *Snapshots) List(ctx context.Context) ([]Snapshot, error) {
	if err := s.openRepository(ctx); err != nil {
		return nil, err
	}
	return s.list(ctx)
}

func (s *Snapshots) list(ctx context.Context) ([]Snapshot, error) {
	all, err := s.find(ctx, s.prefix+"*")
	if err != nil {
		return nil, fmt.Errorf("list the snapshots in %s: %w", s.where.Repository, err)
	}
	slices.SortFunc(all, func(a, b Snapshot) int { return cmp.Or(b.Began.Compare(a.Began), strings.Compare(b.Name, a.Name)) })
	return all, nil
}

func (s *Snapshots) get(ctx context.Context, name string) (Snapshot, error) {
	found, err := s.find(ctx, name)
	if err != nil {
		return Snapshot{}, err
	}
	at := slices.IndexFunc(found, func(one Snapshot) bool { return one.Name == name }) // a name may be a pattern, too
	if at < 0 {
		return Snapshot{}, fmt.Errorf("%w as %s in the repository %s of this service", ErrNoSnapshot, name, s.where.Repository)
	}
	return found[at], nil
}

// snapshotTimeForm is how snapshotTime looks. The prefix of a service may begin the names of another's.
var snapshotTimeForm = regexp.MustCompile(`^\d{8}-\d{6}$`)

// find are the service's snapshots whose names match a pattern.
func (s *Snapshots) find(ctx context.Context, pattern string) ([]Snapshot, error) {
	var answer struct {
		Snapshots []struct {
			Snapshot string          `json:"snapshot"`
			State    string          `json:"state"`
			Began    int64           `json:"start_time_in_millis"`
			Ended    int64           `json:"end_time_in_millis"`
			Metadata json.RawMessage `json:"metadata"`
		} `json:"snapshots"`
	}
	err := s.do(ctx, repositoryTimeout, http.MethodGet, func() opensearch.Request {
		return opensearchapi.SnapshotGetReq{Repo: s.where.Repository, Snapshots: []string{pattern}}
	}, &answer)
	if answeredKind(err, "snapshot_missing_exception") {
		return nil, nil
	}
	var all []Snapshot
	for _, found := range answer.Snapshots {
		if began, ours := strings.CutPrefix(found.Snapshot, s.prefix); !ours || !snapshotTimeForm.MatchString(began) {
			continue
		}
		one := Snapshot{Name: found.Snapshot, State: found.State, Began: time.UnixMilli(found.Began)}
		_ = json.Unmarshal(found.Metadata, &one.snapshotMetadata) // of one that a person took there may be any
		if found.Ended > 0 {
			one.Ended = time.UnixMilli(found.Ended)
		}
		all = append(all, one)
	}
	return all, err
}

// Prune deletes the service's oldest complete snapshots beyond as many as are kept, and those that failed and are older than the newest
// complete one. It returns their names.
func (s *Snapshots) Prune(ctx context.Context) ([]string, error) {
	all, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	old := outdated(all, s.where.Keep)
	if len(old) == 0 {
		return nil, nil
	}
	for some := range slices.Chunk(old, deletedAtOnce) {
		err := s.do(ctx, deleteTimeout, http.MethodDelete, func() opensearch.Request {
			return opensearchapi.SnapshotDeleteReq{Repo: s.where.Repository, Snapshots: some}
		}, nil)
		if err != nil {
			return nil, fmt.Errorf("delete the snapshots %s: %w", strings.Join(some, ", "), err)
		}
	}
	return old, nil
}

// outdated are the names of those to delete, of all from the newest on.
func outdated(all []Snapshot, keep int) []string {
	var old []string
	complete := 0
	for _, one := range all {
		switch one.State {
		case SnapshotInProgress:
		case SnapshotSuccess:
			if complete++; complete > keep {
				old = append(old, one.Name)
			}
		default:
			if complete > 0 {
				old = append(old, one.Name)
			}
		}
	}
	return old
}

// openRepository registers the repository of a folder, and looks for one that somebody else registers. It writes nothing when there is
// nothing to change, since a repository in use cannot be changed.
func (s *Snapshots) openRepository(ctx context.Context) error {
	var answer map[string]struct {
		Type     string `json:"type"`
		Settings struct {
			Location string `json:"location"`
		} `json:"settings"`
	}
	err := s.do(ctx, repositoryTimeout, http.MethodGet, func() opensearch.Request {
		return opensearchapi.SnapshotRepositoryGetReq{Repos: []string{s.where.Repository}}
	}, &answer)
	missing := answeredKind(err, "repository_missing_exception")
	found := answer[s.where.Repository]
	switch {
	case err != nil && !missing:
		return fmt.Errorf("look for the repository %s: %w", s.where.Repository, err)
	case missing && s.where.Location == "":
		return fmt.Errorf("OpenSearch knows no repository %s: register one of that name there, or name another in spec.openSearch.snapshots.repository",
			s.where.Repository)
	case s.where.Location == "", found.Type == "fs" && found.Settings.Location == s.where.Location:
		return nil
	}
	body, err := json.Marshal(map[string]any{"type": "fs", "settings": map[string]any{"location": s.where.Location}})
	if err != nil {
		return err
	}
	err = s.do(ctx, repositoryTimeout, http.MethodPut, func() opensearch.Request {
		return opensearchapi.SnapshotRepositoryCreateReq{Repo: s.where.Repository, Body: bytes.NewReader(body)}
	}, nil)
	if err != nil {
		return fmt.Errorf("register the repository in %s, which every node of OpenSearch must be able to write to: %w", s.where.Location, err)
	}
	return nil
}

// do makes a call of the operation "snapshot".
func (s *Snapshots) do(ctx context.Context, timeout time.Duration, method string, request func() opensearch.Request, out any) error {
	return s.store.doWithin(ctx, timeout, call{
		operation: "snapshot", method: method, control: true, repeatable: method == http.MethodGet, request: request,
	}, out)
}
