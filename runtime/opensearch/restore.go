package opensearch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"
)

// restorePatience is how long a restore waits for the lease of rebuilds: servers hold it for moments when they clear up, and one that was killed
// for rebuildTTL.
const restorePatience = 2 * rebuildTTL

// errBusy says that another process has the lease of rebuilds.
var errBusy = errors.New("another server is building an index of the documents, or another restore is under way: try again when it has ended")

// Restore puts the documents of a snapshot in the place of those that there are; what was written since the snapshot began is lost.
// Searches go on meanwhile, and writers wait for its last step alone. Killed anywhere it has either not happened, or it is done by
// a server's clearing up. No result that was cached before is served after it.
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
	case snapshot.index == "" || !versionForm.MatchString(snapshot.version):
		return fmt.Errorf("%w: %s does not say which index holds the documents", ErrNoSnapshot, name)
	case snapshot.version != s.store.indexVersion() && !rebuilds(snapshot.version, s.store.indexVersion()):
		return fmt.Errorf("%s has an index of version %s, newer than this server's, %s: restore it with the server that took it, or a newer one",
			name, snapshot.version, s.store.indexVersion())
	}
	if err := s.store.Ensure(ctx); err != nil {
		return fmt.Errorf("look for the documents: %w", err)
	}
	for began := time.Now(); ; {
		held, err := s.store.Lease(ctx, rebuildLease, rebuildTTL, func(ctx context.Context) error { return s.restore(ctx, snapshot) })
		if held || err != nil {
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
	nth := restoration(used) + 1
	r := rebuild{store: s.store, from: s.store.restoredName(snapshot.version, nth), to: s.store.restoredName(version, nth)}
	copies := s.store.shards > 1 || snapshot.version != version
	if copies {
		r.from = s.store.restoredName(snapshot.version, nth+1)
	}
	if err := s.bring(ctx, snapshot, r.from); err != nil {
		return errors.Join(fmt.Errorf("restore %s: %w", snapshot.Name, err), s.store.deleteIndex(context.WithoutCancel(ctx), r.from))
	}
	if copies {
		if err := r.copyAll(ctx); err != nil {
			return err
		}
		if err := s.store.Refresh(pinned(ctx, r.to)); err != nil {
			return err
		}
	}
	err = s.store.blockWrites(ctx, used, true)
	if err == nil {
		err = s.store.moveAlias(ctx, used, r.to)
	}
	if err != nil { // the index of before stays in use
		_ = s.store.blockWrites(context.WithoutCancel(ctx), used, false)
		return fmt.Errorf("put the restored index in place: %w", err)
	}
	if err := r.announce(ctx); err != nil {
		return fmt.Errorf("name the restored index in the control document: %w", err)
	}
	if err := pause(ctx, 2*s.store.timeout); err != nil { // searches that began on the index of before end
		return err
	}
	left := []string{used}
	if copies {
		left = append(left, r.from)
	}
	return s.store.deleteIndices(ctx, left)
}

// bring restores the index of a snapshot under another name, and returns when it can be searched.
func (s *Snapshots) bring(ctx context.Context, snapshot Snapshot, to string) error {
	body, err := json.Marshal(map[string]any{
		"indices": snapshot.index, "include_global_state": false, "include_aliases": false,
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
	done, moved := int64(-1), time.Now()
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
		if err := pause(ctx, snapshotPoll); err != nil {
			return err
		}
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

// restoredName is the name of the documents' index of a version that the nth restore has made.
func (s *Store) restoredName(version string, nth int) string {
	return fmt.Sprintf("%s-r%d", s.indexName(version), nth)
}

// restoration is the number that ends the name of an index that a restore has made; 0 of others.
func restoration(index string) int {
	if m := restorationForm.FindStringSubmatch(index); m != nil {
		nth, _ := strconv.Atoi(m[1]) // digits
		return nth
	}
	return 0
}
