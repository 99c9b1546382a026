package opensearch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// rebuildLease is held by the replica that rebuilds the index, renewed within rebuildTTL.
	rebuildLease = "rebuild"
	rebuildTTL   = 15 * time.Second
	// rebuildPause is how long a replica waits for another one's rebuild, or after an error, before it looks again.
	rebuildPause = 2 * time.Second
	// listedAtOnce and copiedAtOnce are how many records are listed, and read and written, together; each may have 8 MiB.
	listedAtOnce = 200
	copiedAtOnce = 8
	// fewChanges is how many records may be left to copy when writers are told to wait, and most rounds are made before.
	fewChanges = 50
	mostRounds = 20
)

// runRebuild rebuilds the index when another analyser made it or it has another number of shards, or waits for the replica
// that does. It decides so once, when the server starts: two servers of different languages that run side by side while
// they are replaced would else take turns. It returns when the index is one that this server may search.
func (s *Store) runRebuild(ctx context.Context) {
	for {
		known, err := s.readControl(ctx, s.timeout)
		if err == nil && !rebuilds(known.Source.Analyser, s.indexVersion()) {
			s.current.Store(true)
			return
		}
		if err == nil {
			_, err = s.Lease(ctx, rebuildLease, rebuildTTL, s.rebuild)
		}
		if err != nil || !s.current.Load() {
			_ = pause(ctx, rebuildPause) // ends early with ctx
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// version names how the content of an index is made: the mapping and the analyser.
func (s *Store) version() string { return fmt.Sprintf("%d-%s", mappingVersion, s.analyser.Version()) }

// indexVersion is version, and the number of shards where there are more than one. It ends the index's name.
func (s *Store) indexVersion() string {
	if s.shards == 1 {
		return s.version()
	}
	return fmt.Sprintf("%s-%d", s.version(), s.shards)
}

// rebuilds says whether a server whose indices are of version own makes one of version found anew: not one that a newer
// server made.
func rebuilds(found, own string) bool {
	var mappingFound, mappingOwn, analyserFound, analyserOwn int
	_, _ = fmt.Sscanf(found, "%d-%d", &mappingFound, &analyserFound) // else 0: older
	_, _ = fmt.Sscanf(own, "%d-%d", &mappingOwn, &analyserOwn)
	return found != own && slices.Compare([]int{mappingFound, analyserFound}, []int{mappingOwn, analyserOwn}) <= 0
}

// rebuild fills a new index from the records of the one in use, takes up what is written meanwhile, and puts the new one
// in its place. Writers wait while the last changes are copied; searches never do. Killed anywhere before the aliases
// change it leaves the old index in use; whoever rebuilds next starts anew.
func (s *Store) rebuild(ctx context.Context) error {
	known, err := s.readControl(ctx, s.timeout)
	if err != nil || !rebuilds(known.Source.Analyser, s.indexVersion()) {
		return err
	}
	r := rebuild{store: s, from: known.Source.Index, to: s.indexName(s.indexVersion())}
	aliased, err := s.aliasedIndex(ctx)
	if err != nil {
		return fmt.Errorf("look for the alias %s: %w", s.index, err)
	}
	if aliased != r.to { // else another replica was killed when only the control document was left to write
		if err := r.fill(ctx); err != nil {
			return err
		}
	}
	if err := r.announce(ctx); err != nil {
		return fmt.Errorf("name the new index in the control document: %w", err)
	}
	s.current.Store(true)
	if err := pause(ctx, 2*s.timeout); err != nil { // searches that began on the old index end
		return err
	}
	return s.deleteIndex(ctx, r.from)
}

// rebuild is a rebuild under way.
type rebuild struct {
	store    *Store
	from, to string
	// copied are the sequence numbers, which order the changes of a shard, up to which those of each shard of from are in to.
	copied []int64
	// done of total records are copied for the first time.
	done, total int
}

// fill makes the new index, copies everything into it, and moves the alias.
func (r *rebuild) fill(ctx context.Context) error {
	if err := r.copyAll(ctx); err != nil {
		return err
	}
	if err := r.swap(ctx); err != nil {
		return fmt.Errorf("put the new index in place: %w", err)
	}
	return nil
}

// copyAll makes the new index and copies everything into it, until few changes are left.
func (r *rebuild) copyAll(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return fmt.Errorf("prepare the new index: %w", err)
	}
	var err error
	if r.total, err = r.store.countRecords(pinned(ctx, r.from)); err != nil {
		return fmt.Errorf("count the documents: %w", err)
	}
	for range mostRounds {
		changed, err := r.copyChanges(ctx)
		if err != nil {
			return fmt.Errorf("copy the documents: %w", err)
		}
		if changed <= fewChanges {
			break
		}
	}
	return nil
}

// announce names the new index in the control document, which is where replicas look.
func (r *rebuild) announce(ctx context.Context) error {
	return r.store.changeControl(ctx, func(d *rag.ControlDocument) bool {
		d.SwapIndex(r.to, r.store.indexVersion(), d.Embedding)
		return true
	})
}

// prepare makes the new index, without the alias, and removes what a rebuild that was killed has left.
func (r *rebuild) prepare(ctx context.Context) error {
	if err := r.store.blockWrites(ctx, r.from, false); err != nil {
		return err
	}
	if err := r.store.deleteIndex(ctx, r.to); err != nil {
		return err
	}
	from, err := r.store.layout(ctx, r.from)
	if err != nil {
		return err
	}
	r.copied = slices.Repeat([]int64{-1}, from.shards)
	return r.store.createIndex(ctx, r.to, r.store.documentsIndex(r.to))
}

// copyChanges copies the records that changed since the last round, with their chunks, and says how many they were.
func (r *rebuild) copyChanges(ctx context.Context) (changed int, err error) {
	from := pinned(ctx, r.from)
	if err := r.store.Refresh(from); err != nil {
		return 0, err
	}
	for shard := range r.copied {
		copied, err := r.copyShard(ctx, from, shard)
		changed += copied
		if err != nil {
			return changed, err
		}
	}
	return changed, nil
}

func (r *rebuild) copyShard(ctx, from context.Context, shard int) (changed int, err error) {
	for {
		keys, last, err := r.store.recordsAfter(from, shard, r.copied[shard])
		if err != nil || len(keys) == 0 {
			return changed, err
		}
		for some := range slices.Chunk(keys, copiedAtOnce) {
			if err := r.copyRecords(ctx, some); err != nil {
				return changed, err
			}
			r.progress(len(some))
		}
		r.copied[shard] = last
		changed += len(keys)
	}
}

// progress tells of records that were copied, until they are as many as there were in the beginning: what follows are changes.
func (r *rebuild) progress(copied int) {
	if r.done < r.total {
		r.done = min(r.done+copied, r.total)
		r.store.onRebuild(r.done, r.total)
	}
}

// recordsAfter are the keys of the next records of a shard that changed after a sequence number, in that order, and the last one's.
func (s *Store) recordsAfter(ctx context.Context, shard int, seqNo int64) (keys []string, last int64, err error) {
	answer, err := s.searchShards(ctx, "read", fmt.Sprintf("_shards:%d", shard), map[string]any{
		"size": listedAtOnce, "_source": false, "sort": []any{map[string]any{"_seq_no": "asc"}},
		"query": map[string]any{"bool": map[string]any{
			"filter":   map[string]any{"range": map[string]any{"_seq_no": map[string]any{"gt": seqNo}}},
			"must_not": term("kind", kindChunk),
		}},
	}, true)
	if err != nil {
		return nil, 0, err
	}
	for _, hit := range answer.Hits.Hits {
		keys, last = append(keys, hit.ID), hit.SeqNo
	}
	return keys, last, nil
}

// copyRecords writes records, as they are now, and their chunks. The place of the record in the new index is the version
// of its chunks there, as it is after a write.
func (r *rebuild) copyRecords(ctx context.Context, keys []string) error {
	to := pinned(ctx, r.to)
	records, err := r.store.readKeys(pinned(ctx, r.from), keys, true)
	if err != nil {
		return err
	}
	before, err := r.store.readKeys(to, keys, false)
	if err != nil {
		return err
	}
	for i, found := range records {
		if found.Kind == "" {
			continue // gone: dropGone
		}
		if found.Kind == rag.RecordDocument {
			found.Terms = r.store.version()
		}
		mark := r.store.bulk(to, one(operation{action: "index", target: target{ID: keys[i]}, source: found.record}))[0]
		if mark.err != nil {
			return mark.err
		}
		d := rag.ChunkedDocument{Document: rag.Document{ID: found.ID}}
		if found.Kind == rag.RecordDocument {
			d = found.chunked()
		}
		marked := stored{record: record{Tenant: found.Tenant, ID: found.ID, Chunks: before[i].Chunks}, seqNo: mark.seqNo}
		if end := r.store.applyChunks(to, marked, d); end.err != nil {
			return end.err
		}
	}
	return nil
}

// dropGone deletes the records, with their chunks, that were copied and are gone since: tombstones that had served their
// time, and first writes that were taken back. There are none when both indices have as many records.
func (r *rebuild) dropGone(ctx context.Context) error {
	from, to := pinned(ctx, r.from), pinned(ctx, r.to)
	if err := r.store.Refresh(to); err != nil {
		return err
	}
	here, err := r.store.countRecords(from)
	if err != nil {
		return err
	}
	there, err := r.store.countRecords(to)
	if err != nil || here == there {
		return err
	}
	for shard := range r.store.shards {
		if err := r.dropGoneOfShard(ctx, shard); err != nil {
			return err
		}
	}
	return nil
}

func (r *rebuild) dropGoneOfShard(ctx context.Context, shard int) error {
	for after := int64(-1); ; {
		keys, last, err := r.store.recordsAfter(pinned(ctx, r.to), shard, after)
		if err != nil || len(keys) == 0 {
			return err
		}
		if err := r.dropGoneOf(ctx, keys); err != nil {
			return err
		}
		after = last
	}
}

func (r *rebuild) dropGoneOf(ctx context.Context, keys []string) error {
	to := pinned(ctx, r.to)
	here, err := r.store.readKeys(pinned(ctx, r.from), keys, false)
	if err != nil {
		return err
	}
	there, err := r.store.readKeys(to, keys, false)
	if err != nil {
		return err
	}
	for i := range keys {
		if here[i].Kind != "" || there[i].Kind == "" {
			continue
		}
		gone := there[i]
		mark := r.store.bulk(to, one(operation{action: "index", target: target{ID: keys[i]}, source: gone.record}))[0]
		if mark.err != nil {
			return mark.err
		}
		gone.seqNo = mark.seqNo
		if end := r.store.applyChunks(to, gone, rag.ChunkedDocument{Document: rag.Document{ID: gone.ID}}); end.err != nil {
			return end.err
		}
		if end := r.store.bulk(to, one(operation{action: "delete", target: target{ID: keys[i]}}))[0]; end.err != nil {
			return end.err
		}
	}
	return nil
}

// swap stops the writers, copies what they wrote last, and moves the alias to the new index. From then on the old index
// takes no writes, whatever happens: what it took would be lost.
func (r *rebuild) swap(ctx context.Context) error {
	if err := r.store.blockWrites(ctx, r.from, true); err != nil {
		return err
	}
	_, err := r.copyChanges(ctx)
	if err == nil {
		err = r.dropGone(ctx)
	}
	if err != nil { // the old index stays in use
		_ = r.store.blockWrites(context.WithoutCancel(ctx), r.from, false)
		return err
	}
	return r.store.moveAlias(ctx, r.from, r.to)
}

func (s *Store) moveAlias(ctx context.Context, from, to string) error {
	body, err := json.Marshal(map[string]any{"actions": []any{
		// Whoever moved it first has the lease.
		map[string]any{"remove": map[string]any{"index": from, "alias": s.index, "must_exist": true}},
		map[string]any{"add": map[string]any{"index": to, "alias": s.index}},
	}})
	if err != nil {
		return err
	}
	return s.do(ctx, call{
		operation: "ensure", method: http.MethodPost,
		request: func() opensearch.Request { return opensearchapi.AliasesReq{Body: bytes.NewReader(body)} },
	}, nil)
}

// blockWrites makes OpenSearch refuse, or take again, writes to an index. When it returns, writes that came before have
// ended.
func (s *Store) blockWrites(ctx context.Context, index string, block bool) error {
	if block {
		return s.do(ctx, call{
			operation: "ensure", method: http.MethodPut,
			request: func() opensearch.Request {
				return opensearchapi.IndicesBlockReq{Indices: []string{index}, Block: "write"}
			},
		}, nil)
	}
	return s.do(ctx, call{
		operation: "ensure", method: http.MethodPut,
		request: func() opensearch.Request {
			return opensearchapi.SettingsPutReq{Indices: []string{index}, Body: strings.NewReader(`{"index.blocks.write": null}`)}
		},
	}, nil)
}

// deleteIndex deletes an index; one that is not there is deleted.
func (s *Store) deleteIndex(ctx context.Context, index string) error {
	err := s.do(ctx, call{
		operation: "ensure", method: http.MethodDelete,
		request: func() opensearch.Request { return opensearchapi.IndicesDeleteReq{Indices: []string{index}} },
	}, nil)
	if answered(err, http.StatusNotFound) {
		return nil
	}
	return err
}
