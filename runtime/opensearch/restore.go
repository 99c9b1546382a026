package opensearch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"
)

// restorePatience is how long a restore waits for the lease of rebuilds: servers hold it for moments when they clear up, and one that was killed
// for rebuildTTL.
const restorePatience = 2 * rebuildTTL

// errBusy says that another process has the lease of rebuilds.
var errBusy = errors.New("another server is building an index of the documents, or another restore is under way: try again when it has ended")

// errLeaseLost says that a restore has ended on its way.
var errLeaseLost = errors.New("OpenSearch did not answer for long: the documents are those of before, or servers put those of the snapshot in " +
	"their place within a minute; look, and try again")

// Restore puts the documents of a snapshot in the place of those that there are; what was written since the snapshot began is lost.
// Searches go on meanwhile, and writers wait for its last step alone. Killed or failed anywhere it has either not happened, or it is
// done, by a server's clearing up. No result that was cached before is served after it.
//
// The snapshot is restored into an index beside the one in use. It takes its place as it is, where this server's version made it of one
// shard. Else its records are copied, as a rebuild does it: shards are not of one moment, while a record and its passages are.
func (s *Snapshots) Restore(ctx context.Context, name string) error {
	if err := s.openRepository(ctx); err != nil {
		return err
	}
	snapshot, err := s.get(ctx, name)
	switch {
	case err != nil:
		return err
	case snapshot.State != SnapshotSuccess:
		return fmt.Errorf("%w: %s is %s", ErrNoSnapshot, name, snapshot.State)
	case snapshot.Index == "" || !versionForm.MatchString(snapshot.Version):
		return fmt.Errorf("%w: %s does not say which index holds the documents", ErrNoSnapshot, name)
	case snapshot.Version != s.store.indexVersion() && !rebuilds(snapshot.Version, s.store.indexVersion()):
		return fmt.Errorf("%s has an index of version %s, newer than this server's, %s: restore it with the server that took it, or a newer one",
			name, snapshot.Version, s.store.indexVersion())
	}
	if err := s.store.Ensure(ctx); err != nil {
		return fmt.Errorf("look for the documents: %w", err)
	}
	for began := time.Now(); ; {
		held, err := s.store.Lease(ctx, rebuildLease, rebuildTTL, func(ctx context.Context) error { return s.restore(ctx, snapshot) })
		switch {
		case errors.Is(err, context.Canceled) && ctx.Err() == nil:
			return errLeaseLost
		case held, err != nil:
			return err
		}
		if time.Since(began) > restorePatience {
			return errBusy
		}
		if err := pause(ctx, rebuildPause); err != nil {
			return err
		}
	}
}

// restore runs under the lease of rebuilds.
func (s *Snapshots) restore(ctx context.Context, snapshot Snapshot) error {
	if err := s.store.endRebuild(ctx); err != nil {
		return err
	}
	known, err := s.store.readControl(ctx, s.store.timeout)
	if err != nil {
		return err
	}
	used, version := known.Source.Index, s.store.indexVersion()
	if made := known.Source.Analyser; made != version && !rebuilds(made, version) {
		return fmt.Errorf("the index in use is of version %s, newer than this server's, %s: restore with a server that is as new", made, version)
	}
	began := s.store.now().UnixMilli()
	r := rebuild{store: s.store, from: s.store.restoredName(version, began), to: s.store.restoredName(version, began)}
	copies := s.store.shards > 1 || snapshot.Version != version
	if copies {
		r.from = s.store.restoredName(snapshot.Version, began+1)
	}
	if err := s.bring(ctx, snapshot, r.from); err != nil {
		return errors.Join(fmt.Errorf("restore %s: %w", snapshot.Name, err), s.store.deleteIndex(ctx, r.from))
	}
	if copies {
		if err := r.copyAll(ctx); err != nil {
			return err
		}
		if err := s.store.Refresh(pinned(ctx, r.to)); err != nil {
			return err
		}
	}
	// From here on nothing is undone: a call that failed may have been made, and what the index of before took after that would be lost.
	if err := s.store.blockWrites(ctx, used, true); err != nil {
		return fmt.Errorf("stop writers: %w", err)
	}
	if err := s.store.moveAlias(ctx, used, r.to); err != nil {
		return fmt.Errorf("put the restored index in place: %w", err)
	}
	if err := r.announce(ctx); err != nil {
		return fmt.Errorf("name the restored index in the control document: %w", err)
	}
	// It is done. What is not deleted now, since a snapshot of it is being taken, servers delete later.
	if pause(ctx, 2*s.store.timeout) == nil { // searches that began on the index of before end
		_ = s.store.endRebuild(ctx)
	}
	return nil
}

// bring restores the index of a snapshot under another name, and returns when it can be searched.
func (s *Snapshots) bring(ctx context.Context, snapshot Snapshot, to string) error {
	body, err := json.Marshal(map[string]any{
		"indices": snapshot.Index, "include_global_state": false, "include_aliases": false,
		"rename_pattern": "^.*$", "rename_replacement": to,
		"ignore_index_settings": []string{"index.blocks.write", "index.blocks.read_only_allow_delete"},
	})
	if err != nil {
		return err
	}
	err = s.do(ctx, repositoryTimeout, http.MethodPost, func() opensearch.Request {
		return opensearchapi.SnapshotRestoreReq{Repo: s.where.Repository, Snapshot: snapshot.Name, Body: bytes.NewReader(body)}
	}, nil)
	if err != nil {
		return err
	}
	if err := s.awaitShards(ctx, to); err != nil {
		return err
	}
	return s.do(ctx, s.store.timeout, http.MethodPut, func() opensearch.Request {
		return opensearchapi.AliasPutReq{Indices: []string{to}, Alias: ownAlias(to)}
	}, nil)
}

// awaitShards returns when an index that is being restored has all its shards, or does not go on. Its health is no sign: it is yellow, too,
// while a first copy is on its way.
func (s *Snapshots) awaitShards(ctx context.Context, index string) error {
	wanted, err := s.store.layout(ctx, index)
	if err != nil {
		return err
	}
	done, moved, wait := int64(-1), time.Now(), snapshotPoll
	for {
		var health struct {
			Primaries int `json:"active_primary_shards"`
		}
		err := s.do(ctx, s.store.timeout, http.MethodGet, func() opensearch.Request {
			return opensearchapi.ClusterHealthReq{Indices: []string{index}}
		}, &health)
		if err == nil && health.Primaries == wanted.shards {
			return nil
		}
		now, total, askErr := s.recovered(ctx, index)
		if askErr == nil && now > done {
			done, moved = now, time.Now()
			s.onProgress(done, total)
		}
		if time.Since(moved) > snapshotPatience {
			return errors.Join(fmt.Errorf("no progress for %s: GET _cluster/allocation/explain of OpenSearch tells why", snapshotPatience), err, askErr)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, snapshotPollMost)
	}
}

// recovered is how many bytes of an index have been restored, of how many that are known of.
func (s *Snapshots) recovered(ctx context.Context, index string) (done, total int64, err error) {
	var answer map[string]struct {
		Shards []struct {
			Index struct {
				Size struct {
					Recovered int64 `json:"recovered_in_bytes"`
					Total     int64 `json:"total_in_bytes"`
				} `json:"size"`
			} `json:"index"`
		} `json:"shards"`
	}
	err = s.do(ctx, s.store.timeout, http.MethodGet, func() opensearch.Request {
		return opensearchapi.IndicesRecoveryReq{Indices: []string{index}}
	}, &answer)
	for _, shard := range answer[index].Shards {
		done, total = done+shard.Index.Size.Recovered, total+shard.Index.Size.Total
	}
	return done, total, err
}

// restoredName is the name of an index of a version that a restore makes. A restore that has lost its lease without noticing meets no other's,
// since the millisecond in which it began is part of it.
func (s *Store) restoredName(version string, began int64) string {
	return fmt.Sprintf("%s-r%d", s.indexName(version), began)
}
