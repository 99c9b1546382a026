package cache

import (
	"errors"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// A value of a few kilobytes that unpacks to 64 MiB is not unpacked: whoever can write to Redis could else fill a server's memory.
func TestWhatUnpacksToTooMuchIsNotUnpacked(t *testing.T) {
	t.Parallel()
	packer, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := packer.EncodeAll(make([]byte, 64<<20), []byte{formatCompressed})
	_, _, err = decode[rag.Retrieval](bomb)
	if !errors.Is(err, zstd.ErrWindowSizeExceeded) && !errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		t.Errorf("%d bytes: %v, want that they are too many", len(bomb), err)
	}
}
