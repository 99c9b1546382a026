//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// auditEvent is the part of a line of the API server's audit log that is counted.
type auditEvent struct {
	Verb                     string
	RequestReceivedTimestamp time.Time
	User                     struct{ Username string }
	ObjectRef                struct{ Resource, Subresource, Namespace, Name string }
}

// writesNothing watches the audit log for a minute: nobody asks anything, so the operator has nothing to write.
func writesNothing(t *testing.T, rag *v1alpha1.RAGService) {
	file := os.Getenv("AUDIT_LOG")
	if file == "" {
		t.Skip("AUDIT_LOG is not set: hack/e2e.sh names the audit log of the cluster that it brings up; other clusters keep theirs to themselves")
	}
	awaitReady(t, rag)
	began := time.Now()
	select {
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	case <-time.After(time.Minute): // the figure is writes in a minute: there is no event to wait for
	}
	writes, reads := 0, 0
	for _, e := range auditEvents(t, file, began) {
		if !strings.Contains(e.User.Username, ":ragservice-") || e.ObjectRef.Namespace != rag.Namespace {
			continue
		}
		switch e.Verb {
		case "create", "update", "patch", "delete", "deletecollection":
			writes++
			t.Errorf("%s %s/%s %s", e.Verb, e.ObjectRef.Resource, e.ObjectRef.Subresource, e.ObjectRef.Name)
		case "get", "list":
			reads++
		}
	}
	t.Logf("in a minute on a Ready object: %d writes, %d reads", writes, reads)
}

func auditEvents(t *testing.T, file string, since time.Time) []auditEvent {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	var events []auditEvent
	for lines.Scan() {
		var e auditEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err == nil && e.RequestReceivedTimestamp.After(since) {
			events = append(events, e)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(events) == 0 {
		t.Fatal("the audit log is silent: nothing was counted")
	}
	return events
}
