package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/proc"
)

// settles is when a server that was just started or written to has ended its own work.
const settles = 10 * time.Second

// memory is what a process has in memory, in MiB: all, what is its own, and what is mapped from files (the program itself, an
// index), which the kernel may drop.
type memory struct{ all, own, files, highest float64 }

func memoryOf(tb testing.TB, p *proc.Process) memory {
	tb.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		tb.Fatal(err)
	}
	field := func(name string) float64 {
		_, rest, _ := strings.Cut(string(status), "\n"+name+":")
		var kib float64
		if n, _ := fmt.Sscanf(rest, "%g kB", &kib); n != 1 {
			tb.Fatalf("there is no %s", name)
		}
		return kib / 1024
	}
	return memory{field("VmRSS"), field("RssAnon"), field("RssFile"), field("VmHWM")}
}

func (m memory) cells() []string {
	return []string{mib(m.all), mib(m.own), mib(m.files), mib(m.highest)}
}

func mib(n float64) string { return fmt.Sprintf("%.1f", n) }

// TestIdleMemory prints what a server has in memory that does nothing, before and after it has documents.
func TestIdleMemory(t *testing.T) {
	c := loadCorpus(t)
	out := newTable("memory of an idle server, MiB (RSS)", "", "all", "its own", "files", "highest")
	for _, kind := range []struct {
		name  string
		start func(testing.TB, string) *ragserver
	}{
		{"embedded", startAlone},
		{"with OpenSearch and Redis", func(tb testing.TB, path string) *ragserver {
			tb.Helper()
			return startServer(tb, path, measured)
		}},
	} {
		s := kind.start(t, program(t))
		time.Sleep(settles)
		out.add(append([]string{kind.name}, memoryOf(t, s.process).cells()...)...)
		s.upload(c)
		time.Sleep(settles)
		out.add(append([]string{fmt.Sprintf("%s, %d documents", kind.name, len(c.documents))}, memoryOf(t, s.process).cells()...)...)
	}
	out.print(t)
}

// startAlone starts a server with everything inside.
func startAlone(tb testing.TB, program string) *ragserver {
	tb.Helper()
	dir := tb.TempDir()
	s := &ragserver{tb: tb, log: filepath.Join(dir, "log"), url: loopback(tb), admin: loopback(tb)}
	alone := strings.Replace(measured, "\nspec:\n", "\nspec:\n  auth: {mode: Anonymous}\n", 1)
	writeFile(tb, []byte(alone), dir, "service.yaml")
	var err error
	s.process, err = proc.Start(s.log, program, "--manifest", filepath.Join(dir, "service.yaml"), "--data-dir", filepath.Join(dir, "data"),
		"--listen", s.url, "--admin-listen", s.admin, "--loopback-admin")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.process.End(syscall.SIGTERM, stopTimeout) })
	s.url, s.admin = "http://"+s.url, "http://"+s.admin
	await(tb, s.process, s.admin+"/readyz")
	return s
}

// TestLoadedMemory prints what a server has in memory while it answers as much as it can for RAGSERVICE_BENCH_MINUTES: cached and new
// questions at once.
func TestLoadedMemory(t *testing.T) {
	minutes, _ := strconv.Atoi(os.Getenv("RAGSERVICE_BENCH_MINUTES"))
	if minutes == 0 {
		t.Skip("it takes long: run `make bench MINUTES=10`")
	}
	c := loadCorpus(t)
	s := startServer(t, program(t), measured)
	s.upload(c)
	question, _ := s.typicalQuestion(c)
	var loads [2]load
	var running sync.WaitGroup
	for i, text := range []string{question, question + " @"} {
		running.Go(func() {
			loads[i] = wrk(t, s.url+"/api/v1/ask", keys["client"].Key, askBody(t, text), time.Duration(minutes)*time.Minute)
		})
	}
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()
	out := newTable(fmt.Sprintf("memory under full load for %d minutes, MiB (RSS): each minute's highest of samples every 10 s", minutes),
		"minute", "all", "its own", "files")
	for minute := range minutes {
		var most memory
		for range 6 {
			select {
			case <-done:
			case <-time.After(10 * time.Second):
				m := memoryOf(t, s.process)
				most = memory{max(most.all, m.all), max(most.own, m.own), max(most.files, m.files), m.highest}
			}
		}
		out.add(fmt.Sprint(minute+1), mib(most.all), mib(most.own), mib(most.files))
	}
	<-done
	out.print(t)
	cached, distinct := loads[0], loads[1]
	fmt.Printf("%.0f cached and %.0f new questions a second; %d and %d failed\n",
		cached.perSecond(), distinct.perSecond(), cached.Refused, distinct.Refused)
}
