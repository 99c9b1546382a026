package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/logtest"
)

// asProgram makes the test's binary the server itself.
const asProgram = "RAGSERVER_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestSecondSignalEndsAtOnce has a request that keeps the drain waiting: half an upload.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	server := exec.CommandContext(t.Context(), program, "--manifest", write(t, "m.yaml", smallest),
		"--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data-dir", dir)
	server.Env = append(os.Environ(), asProgram+"=1")
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewScanner(stdout)
	halfAnUpload(t, awaitEvent(t, log, "server_started").Listen, generatedKey(t, dir, "admin"))
	signal := func() {
		if err := server.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
	}
	signal()
	awaitEvent(t, log, "server_draining")
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	for {
		signal() // the first of these may come a moment too early to count as the second
		select {
		case <-ended:
			status, ok := server.ProcessState.Sys().(syscall.WaitStatus)
			if !ok || !status.Signaled() || status.Signal() != syscall.SIGTERM {
				t.Errorf("the server ended with %v, want it ended by the second signal", server.ProcessState)
			}
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

type startLine struct{ Event, Listen string }

func awaitEvent(t *testing.T, log *bufio.Scanner, event string) startLine {
	t.Helper()
	for log.Scan() {
		if err := logtest.Check([]byte(log.Text() + "\n")); err != nil {
			t.Errorf("%s: %v", log.Text(), err)
		}
		var line startLine
		if json.Unmarshal(log.Bytes(), &line) == nil && line.Event == event {
			return line
		}
	}
	t.Fatalf("no %s in the log", event)
	return startLine{}
}

func halfAnUpload(t *testing.T, address, key string) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /api/v1/documents HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n", key)
	if err != nil {
		t.Fatal(err)
	}
	// The server asks for the body once the handler reads it.
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q, %v; want to be asked for the body", line, err)
	}
}
