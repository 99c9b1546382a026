package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/logtest"
	"github.com/ragservice/ragservice-operator/test/proc"
)

const unlimited = `
apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: papers}
spec:
  models: {llm: {provider: Extractive}}
  rateLimits: {endpoints: [{name: ask, requestsPerMinute: 1000000, burst: 1000000}]}
`

// startProgram starts the server as a program and waits until it listens.
func startProgram(t *testing.T, dir string) (p *proc.Process, url, log string) {
	t.Helper()
	return startProgramOf(t, unlimited, dir)
}

func startProgramOf(t *testing.T, manifest, dir string) (p *proc.Process, url, log string) {
	t.Helper()
	t.Setenv(asProgram, "1")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log = filepath.Join(t.TempDir(), "log")
	p, err = proc.Start(log, program, "--manifest", write(t, "m.yaml", manifest), "--data-dir", dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.End(syscall.SIGKILL, time.Minute)
		checkLog(t, log)
	})
	listens := regexp.MustCompile(`"event":"server_started".*"listen":"([^"]+)"`)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(log) // not there yet
		if found := listens.FindSubmatch(text); found != nil {
			return p, "http://" + string(found[1]), log
		}
		if p.Ended() || time.Now().After(deadline) {
			t.Fatalf("the server did not start: %s", text)
		}
	}
}

// checkLog wants each line of a server's log to be as its schema says, but the one that the server may have died in.
func checkLog(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	_, _ = logtest.Writer(t, io.Discard).Write(whole)
}

// TestSignalLosesNoRequest: 40 clients ask on kept connections, SIGTERM arrives, and each client is told to leave with an
// answer. Three runs, since it is a matter of luck where in a request the signal arrives.
func TestSignalLosesNoRequest(t *testing.T) {
	const clients, runs = 40, 3
	for range runs {
		dir := t.TempDir()
		server, url, log := startProgram(t, dir)
		key := generatedKey(t, dir, "client")
		var answered, told, lost atomic.Int64
		var example atomic.Value
		var load sync.WaitGroup
		for range clients {
			load.Go(func() {
				c := &http.Client{Transport: &http.Transport{}}
				defer c.CloseIdleConnections()
				for {
					kept, closed, err := ask(t.Context(), c, url, key)
					switch {
					case err != nil && kept:
						lost.Add(1)
						example.Store(err.Error())
						return
					case err != nil: // the first request of a connection: nothing was promised
						return
					}
					if answered.Add(1); closed {
						told.Add(1)
						return
					}
				}
			})
		}
		for answered.Load() < 10*clients && !server.Ended() {
			time.Sleep(time.Millisecond)
		}
		if err := server.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		load.Wait()
		for deadline := time.Now().Add(time.Minute); !server.Ended() && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		text, _ := os.ReadFile(log)
		if !strings.Contains(string(text), `"event":"server_stopped"`) {
			t.Errorf("the server did not end well: %s", server.LogTail())
		}
		if lost.Load() > 0 || told.Load() != clients {
			t.Errorf("of %d clients %d were told to leave; %d of %d requests were lost: %v",
				clients, told.Load(), lost.Load(), answered.Load()+lost.Load(), example.Load())
		}
	}
}

// ask posts one question. It reports whether the connection had been kept, and whether it is to be closed.
func ask(ctx context.Context, c *http.Client, url, key string) (kept, closed bool, err error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { kept = i.Reused }})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/v1/ask", strings.NewReader(`{"query":"Where does the kite nest?"}`))
	if err != nil {
		return false, false, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Api-Key", key)
	got, err := c.Do(r)
	if err != nil {
		return kept, false, err
	}
	_, err = io.Copy(io.Discard, got.Body)
	return kept, got.Close, errors.Join(err, got.Body.Close())
}
