package localstore

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"go.etcd.io/bbolt"
	bolt "go.etcd.io/bbolt/errors"
)

// damage is a file of an index that does not hold what was written to it.
type damage struct {
	file  string
	cause error
}

func (d *damage) Error() string { return fmt.Sprintf("%s is damaged: %v", d.file, d.cause) }
func (d *damage) Unwrap() error { return d.cause }

// checkIndex verifies the files of an index that is not open, and changes nothing. bleve verifies none: it makes a list of
// segments that is empty anew, and where a segment is missing it goes back to an earlier state; both lose documents silently.
// It reads the whole index once.
func checkIndex(dir string) error {
	store := filepath.Join(dir, "store")
	if err := checkMeta(filepath.Join(dir, "index_meta.json")); err != nil {
		return err
	}
	segments, err := listSegments(filepath.Join(store, "root.bolt"))
	if errors.Is(err, bolt.ErrTimeout) {
		return nil // another process has it open; opening it says so
	}
	if err != nil {
		return err
	}
	for _, name := range segments {
		if err := checkSegment(filepath.Join(store, name)); err != nil {
			return err
		}
	}
	return nil
}

func checkMeta(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return unreadable(file, err)
	}
	var meta struct {
		Storage   string `json:"storage"`
		IndexType string `json:"index_type"`
	}
	if err := json.Unmarshal(content, &meta); err != nil {
		return &damage{file, err}
	}
	if meta.Storage != "scorch" || meta.IndexType != "scorch" {
		return &damage{file, errors.New("it names no known kind of index")}
	}
	return nil
}

// unreadable tells a file that is missing, which is damage, from one that cannot be read now.
func unreadable(file string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return &damage{file, err}
	}
	return fmt.Errorf("read %s: %w", file, err)
}

// Names in bleve's list of segments.
var (
	bucketSnapshots = []byte{'s'}
	bucketMeta      = byte('m')
	bucketInternal  = byte('i')
	keyPath         = []byte{'p'}
	keyDeleted      = []byte{'d'}
)

// listSegments are the files of the newest state of an index. The file that lists them is mapped into memory: a read that
// fails there would end the process, and bbolt panics where a page is not one.
func listSegments(file string) (segments []string, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, unreadable(file, err)
	}
	if info.Size() == 0 {
		return nil, &damage{file, errors.New("it is empty")}
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if reason := recover(); reason != nil {
			err = &damage{file, fmt.Errorf("%v", reason)}
		}
	}()
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	switch {
	case errors.Is(err, bolt.ErrTimeout), errors.Is(err, os.ErrPermission):
		return nil, err
	case err != nil:
		return nil, &damage{file, err}
	}
	defer func() { _ = db.Close() }() // it was only read
	err = db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return errors.New("it is cut short")
		}
		segments, err = segmentsOf(tx)
		return err
	})
	if err != nil {
		return nil, &damage{file, err}
	}
	return segments, nil
}

func segmentsOf(tx *bbolt.Tx) (segments []string, err error) {
	snapshots := tx.Bucket(bucketSnapshots)
	if snapshots == nil {
		return nil, errors.New("it lists nothing")
	}
	newest, _ := snapshots.Cursor().Last()
	snapshot := snapshots.Bucket(newest)
	if snapshot == nil || snapshot.Bucket([]byte{bucketMeta}) == nil || snapshot.Bucket([]byte{bucketInternal}) == nil {
		return nil, errors.New("its newest state is not whole")
	}
	return segments, snapshot.ForEachBucket(func(key []byte) error {
		if key[0] == bucketMeta || key[0] == bucketInternal {
			return nil
		}
		segment := snapshot.Bucket(key)
		path := segment.Get(keyPath)
		if path == nil {
			return errors.New("a segment in it has no file")
		}
		segments = append(segments, string(path))
		if deleted := segment.Get(keyDeleted); deleted != nil {
			entries := roaring.New()
			if err := entries.UnmarshalBinary(deleted); err != nil {
				return err
			}
			return entries.Validate()
		}
		return nil
	})
}

// checkSegment compares a segment with the checksum at its end, which is of everything before it.
func checkSegment(file string) (err error) {
	opened, err := os.Open(file)
	if err != nil {
		return unreadable(file, err)
	}
	defer func() { _ = opened.Close() }() // it was only read
	info, err := opened.Stat()
	if err != nil {
		return unreadable(file, err)
	}
	if info.Size() < crc32.Size {
		return &damage{file, errors.New("it is cut short")}
	}
	sum := crc32.NewIEEE()
	if _, err := io.CopyN(sum, opened, info.Size()-crc32.Size); err != nil {
		return unreadable(file, err)
	}
	var want uint32
	if err := binary.Read(opened, binary.BigEndian, &want); err != nil {
		return unreadable(file, err)
	}
	if sum.Sum32() != want {
		return &damage{file, errors.New("its checksum is wrong")}
	}
	return nil
}
