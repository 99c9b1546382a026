package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/httpapi"
	"github.com/ragservice/ragservice-operator/runtime/logging"
)

// aloneDrainTimeout is how long requests have to end when a person waits for the server to end; in a cluster all have the time that they
// were given.
const aloneDrainTimeout = 60 * time.Second

// serve runs the server until ctx ends, and drains it.
func serve(ctx context.Context, o options, s setup, getenv func(string) string, stdout io.Writer) error {
	var err error
	if s.logFile, err = o.openLogFile(s); err != nil {
		return err
	}
	log, end := openLog(stdout, s.logFile)
	defer end()
	log.Redact(secrets(s.credentials)...)
	if err := adjust(log, s.source.Config()); err != nil {
		return err
	}
	err = serveUntilDrained(ctx, o, s, log, getenv)
	log.WriteDropped()
	log.Write(ctx, lastWord(ctx.Err() != nil, err))
	return err
}

// lastWord is what the log says at the end. A server that was told to end may have cut off a stream that was too long: nobody needs
// to get up for that.
func lastWord(told bool, err error) logging.Event {
	if err != nil && !told {
		return logging.ServerFailed{Err: err}
	}
	return logging.ServerStopped{Err: err}
}

// openLog opens the log on standard output and, unless it is nil, in a file. What it returns ends it.
func openLog(stdout io.Writer, file *logging.File) (log *logging.Log, end func()) {
	if file == nil {
		log = logging.New(logging.NewBuffer(stdout))
		return log, log.Flush
	}
	log = logging.New(logging.NewBuffer(io.MultiWriter(file, stdout))) // the file first, since it never fails
	file.Start(func(why error) {
		if why != nil {
			log.Write(context.Background(), logging.LogFileFailed{Err: why})
			return
		}
		log.Write(context.Background(), logging.LogFileRestored{Lost: file.Lost()})
	})
	return log, func() {
		log.Flush()
		file.Close(config.CloseTimeout)
		log.Flush() // what became of the file
	}
}

// adjust makes the log what the configuration wants.
func adjust(log *logging.Log, c *config.Config) error {
	log.SetDailyVolume(c.DailyLogVolume())
	return log.SetLevel(c.Logging.Level)
}

func serveUntilDrained(ctx context.Context, o options, s setup, log *logging.Log, getenv func(string) string) error {
	tuneCollector(s.source.Config().Cache, getenv)
	srv, err := newServer(s, log, getenv)
	if err != nil {
		return err
	}
	api, admin, err := listen(ctx, o)
	if err != nil {
		return errors.Join(err, srv.closeInTime(ctx))
	}
	httpServer := &httpapi.Server{API: srv.api.Handler(), Admin: srv.admin, Log: log, DrainTimeout: aloneDrainTimeout}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	for _, run := range srv.background {
		running.Go(func() {
			defer log.Flush() // what led to a panic must be seen
			run(background)
		})
	}
	announce(log, s, o, api, admin)
	if !s.alone() {
		httpServer.DrainDelay, httpServer.DrainTimeout = config.DrainDelay, config.LongestRequest
	}
	err = httpServer.Serve(ctx, api, admin)
	err = errors.Join(err, srv.closeInTime(ctx))
	stop()
	running.Wait()
	return err
}

// closeInTime closes what the server has opened, when ctx has ended, too.
func (srv *server) closeInTime(ctx context.Context) error {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), config.CloseTimeout)
	defer cancel()
	return srv.close(closing)
}

// secrets are what the log must never hold.
func secrets(c config.Credentials) []string {
	out := append([]string{c.LLMAPIKey, c.OpenSearch.Password}, c.LLMFallbackKeys...)
	for _, redis := range []config.RedisCredentials{c.RedisCache, c.RedisState} {
		out = append(out, redis.Password, redis.SentinelPassword)
	}
	for _, k := range c.APIKeys {
		out = append(out, k.Key)
	}
	headers, _ := tracingHeaders(c) // what is none is told before anything is logged
	out = slices.AppendSeq(out, maps.Values(headers))
	return out
}

func listen(ctx context.Context, o options) (api, admin net.Listener, err error) {
	var config net.ListenConfig
	if api, err = config.Listen(ctx, "tcp", o.listen); err != nil {
		return nil, nil, fmt.Errorf("%w (choose another address with --listen)", err)
	}
	if admin, err = config.Listen(ctx, "tcp", o.adminListen); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%w (choose another address with --admin-listen)", err), api.Close())
	}
	return api, admin, nil
}

func announce(log *logging.Log, s setup, o options, api, admin net.Listener) {
	for _, field := range s.unknown {
		log.Write(context.Background(), logging.ConfigFieldIgnored{Field: field})
	}
	started := logging.ServerStarted{
		Version:     version,
		Listen:      api.Addr().String(),
		AdminListen: admin.Addr().String(),
		ConfigHash:  s.source.Hash(),
		Mode:        "pod",
	}
	if s.alone() {
		started.Mode = "alone"
		started.Manifest, started.DataDir, started.KeysFile = o.manifest, s.dataDir, s.keysFile
	}
	log.Write(context.Background(), started)
}
