package logtest_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/test/logtest"
)

func TestGoodLines(t *testing.T) {
	var b bytes.Buffer
	log := logging.New(logtest.Writer(t, &b))
	log.Write(logging.WithUser(t.Context(), "alice"), logging.RequestCompleted{RequestID: "i", Method: "POST", Status: 200, Took: time.Second})
	lost := logging.DatabaseConnectionLost{Dependency: "redis-cache", Code: "timeout"}
	for range 20 {
		log.Write(t.Context(), lost)
	}
	if n := bytes.Count(b.Bytes(), []byte("\n")); n != 11 {
		t.Errorf("%d lines were passed on, want 11", n)
	}
	repeated := []byte(`{"timestamp":"2026-11-26T00:00:00Z","level":"WARNING","event":"database_connection_lost","trace_id":"","user_id":"","dependency":"redis-cache","code":"timeout","repeated":10}` + "\n")
	if err := logtest.Check(repeated); err != nil {
		t.Error(err)
	}
}

func TestBadLines(t *testing.T) {
	const good = `{"timestamp":"2026-11-26T00:00:00Z","level":"INFO","event":"server_stopped","trace_id":"","user_id":""}` + "\n"
	if err := logtest.Check([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"half":                   {"\n", ""},
		"not JSON":               {`{"timestamp"`, `timestamp`},
		"unknown event":          {"server_stopped", "server_went"},
		"another level":          {"INFO", "ERROR"},
		"unknown attribute":      {`}`, `,"answer":"x"}`},
		"attribute of another":   {`}`, `,"took_ms":1}`},
		"no user":                {`,"user_id":""`, ``},
		"a time of another zone": {"00Z", "00+01:00"},
		"no time":                {"2026-11-26T", "2026-13-26T"},
		"a bad trace":            {`"trace_id":""`, `"trace_id":"x"`},
	} {
		line := bytes.Replace([]byte(good), []byte(change[0]), []byte(change[1]), 1)
		if logtest.Check(line) == nil {
			t.Errorf("%s was taken: %s", name, line)
		}
	}
}
