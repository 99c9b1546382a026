package cache

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// compressFrom is the size from which values are compressed for Redis: less gains nothing.
const compressFrom = 1 << 10

// Encoder and decoder are made when the first value needs them: they take about a megabyte each. A window of 128 KiB holds what
// repeats in a result; a value that grows beyond maxValueBytes was not written by this code.
var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(128<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		return must(e, err)
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(maxValueBytes))
		return must(d, err)
	})
)

// must is for options that are constant.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// compress makes a value smaller for its way to Redis, if it is large.
func compress(value []byte) []byte {
	if len(value) < compressFrom {
		return value
	}
	return encoder().EncodeAll(value[1:], []byte{formatCompressed})
}
