package main

import (
	"runtime/debug"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// workMemory is what the server needs beside its cache, in bytes: the longest document on its way into the index, and as
// many requests as wait for it. Beyond it and the cache the collector works harder instead of letting the heap double: an
// upload of 8 MiB leaves a hundred of garbage behind. It is a goal and no bound.
const workMemory = 80 << 20

// growth is how much the heap may grow before the collector runs, in percent of what is in use: Go's own 100 costs a cached
// answer a fifth of its processor time. The goal comes first, so that a full cache or a large upload lets the heap grow less.
const growth = 400

// limitMemory sets the collector's goal and how often it runs, unless GOMEMLIMIT and GOGC do.
func limitMemory(c config.Cache, getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(growth)
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(workMemory + c.LocalMaxBytes)
	}
}
