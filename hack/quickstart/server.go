package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// readyTimeout bounds the start of the server.
const readyTimeout = 10 * time.Second

// server is a ragserver that was started here.
type server struct {
	url   string
	log   *lastLines
	ended chan struct{} // closed when the server has ended, with err
	err   error
	cmd   *exec.Cmd
	dir   string
}

// start runs the server and waits until it is ready.
func start(ctx context.Context, o options) (*server, error) {
	listen, err := address(ctx, "127.0.0.1:8080")
	if err != nil {
		return nil, err
	}
	admin, err := address(ctx, "127.0.0.1:8081")
	if err != nil {
		return nil, err
	}
	s := &server{url: "http://" + listen, log: &lastLines{}, ended: make(chan struct{})}
	dir := o.dir
	if dir == "" {
		if s.dir, err = os.MkdirTemp("", "ragservice-quickstart-"); err != nil {
			return nil, err
		}
		dir = s.dir
	}
	// Its own context, not ctx: Ctrl-C ends it by a signal, so that it drains.
	s.cmd = exec.CommandContext(context.WithoutCancel(ctx), o.server, "--manifest", o.manifest, "--listen", listen, "--admin-listen", admin,
		"--data-dir", dir, "--loopback-admin") // the documents are loaded without a key
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us: we stop the server in order
	if err := s.cmd.Start(); err != nil {
		s.remove()
		return nil, fmt.Errorf("%w (build it first: make build)", err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	if err := s.awaitReady(ctx, "http://"+admin+"/readyz"); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) awaitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		if ready(ctx, url) {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the server ended (%w):\n%s", s.err, s.log.tail())
		case <-ctx.Done():
			return fmt.Errorf("the server was not ready within %s; the end of its log:\n%s", readyTimeout, s.log.tail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func ready(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// stop ends the server, by force after its drain, and removes what was made for it.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(readyTimeout):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
	s.remove()
}

func (s *server) remove() {
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// address is wanted when it is free, else another port of the same host.
func address(ctx context.Context, wanted string) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", wanted)
	if err != nil {
		if listener, err = config.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return "", err
		}
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

// lastLines keeps the end of a log.
type lastLines struct {
	mu   sync.Mutex
	text []byte
}

// keptBytes is enough for the lines that explain a failure.
const keptBytes = 4 << 10

func (l *lastLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if extra := len(l.text) - keptBytes; extra > 0 {
		l.text = append(l.text[:0], l.text[extra:]...)
	}
	return len(p), nil
}

func (l *lastLines) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(string(l.text))
}
