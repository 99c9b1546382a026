package controller_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// counts makes a server that has run for an hour report the same minute for the last half hour and the next minutes.
func (s *fakeServer) counts(minute telemetry.Minute) {
	said := *s.says.Load()
	now := time.Now().Unix() / 60
	said.Started, said.Minutes = s.pod.CreationTimestamp.Add(-time.Hour).Unix(), nil // the same each time: another one is another start
	for minute.Minute = now - 30; minute.Minute < now+9; minute.Minute++ {
		said.Minutes = append(said.Minutes, minute)
	}
	s.says.Store(&said)
}

// TestAnAlertIsRaisedAndCleared by counts of both servers: those of the first alone would not be enough.
func TestAnAlertIsRaisedAndCleared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	rag := w.service()
	servers := w.ready(rag)
	servers[0].counts(telemetry.Minute{Requests: 900})
	servers[1].counts(telemetry.Minute{Requests: 100, Errors: 70})
	w.eventuallyShows(rag, map[string]string{"AlertsClear": "False/Firing", "Ready": "True/Ready", "Reconciling": ""})
	if a := rag.Status.Alerts; len(a) != 1 || a[0].Name != "ErrorRate" || a[0].Value != "10%" || a[0].Threshold != "5%" || time.Since(a[0].Since.Time) < 5*time.Minute {
		t.Errorf("status.alerts: %+v", a)
	}
	if note := w.eventuallyTells("AlertFiring"); !strings.Contains(note, "ErrorRate") {
		t.Errorf("the event says %q", note)
	}
	since := rag.Status.Alerts[0].Since

	o.stop() // another operator finds the same, and writes nothing
	second := w.startOperator()
	w.eventually(func() string {
		if second.passes.n.Load() < 2 {
			return "the operator has not settled"
		}
		return ""
	})
	second.pass(t, rag)
	if writes := second.requests.writesSince(0); len(writes) > 0 {
		t.Errorf("a restarted operator makes the writes %v", writes)
	}

	servers[1].counts(telemetry.Minute{Requests: 100, Errors: 20})
	w.eventuallyShows(rag, map[string]string{"AlertsClear": "True/Clear"})
	if len(rag.Status.Alerts) > 0 {
		t.Errorf("status.alerts: %+v, it fired since %s", rag.Status.Alerts, since)
	}
	w.eventuallyTells("AlertCleared")
}
