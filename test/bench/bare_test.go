package bench

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// bareServer answers each request with the same bytes once it has read it: what net/http alone can do.
func bareServer(tb testing.TB, answer []byte) string {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		_, _ = w.Write(answer)
	}))
	tb.Cleanup(server.Close)
	return server.URL
}

// ownUsage is that of this process, which does little else than serve bareServer.
func ownUsage() usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // fails for no argument that is a constant of it
	cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	return usage{allocations: float64(m.Mallocs), allocatedBytes: float64(m.TotalAlloc), cpuSeconds: cpu.Seconds()}
}
