package main

import (
	"runtime/debug"

	"github.com/ragservice/ragservice-operator/internal/manifest"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

const (
	// workMemory is what the server needs beside its cache, in bytes: the longest document on its way into the index, and as
	// many requests as wait for it. Beyond it and the cache the collector works harder instead of letting the heap grow: an
	// upload of 8 MiB leaves a hundred of garbage behind. It is a goal and no bound.
	workMemory = 80 << 20
	// garbagePercent is how much garbage there may be before it is collected, in percent of what is in use. Go's 100 suits a
	// heap of unknown size; this one is small, so that at thousands of requests a second a fifth of the time went into
	// collecting it.
	garbagePercent = 400
)

// tuneCollector sets the collector's goal, unless GOMEMLIMIT does, and its pace, unless GOGC does.
func tuneCollector(c config.Cache, getenv func(string) string) {
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(workMemory + c.LocalMaxBytes)
	}
	if getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
}

// forgetManifests gives back what reading the manifest took: more than the server itself needs, and it reads no other.
func forgetManifests() {
	manifest.Forget()
	debug.FreeOSMemory()
}
