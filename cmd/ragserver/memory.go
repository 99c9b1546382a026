package main

import (
	"runtime/debug"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// workMemory is what the server needs beside its cache, in bytes: the longest document on its way into the index, and as
// many requests as wait for it. Beyond it and the cache the collector works harder instead of letting the heap double: an
// upload of 8 MiB leaves a hundred of garbage behind. It is a goal and no bound.
const workMemory = 80 << 20

// limitMemory sets the collector's goal, unless GOMEMLIMIT does.
func limitMemory(c config.Cache, getenv func(string) string) {
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(workMemory + c.LocalMaxBytes)
	}
}
