//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// auditEvent is the part of a line of the API server's audit log that is counted.
type auditEvent struct {
	Verb                     string
	RequestReceivedTimestamp time.Time
	User                     struct{ Username string }
	ObjectRef                struct{ Resource, Subresource, Namespace, Name string }
}

// quietMinute is how long the operator must write nothing, and settledFor how long before that, as a sign that it has settled.
const (
	quietMinute = time.Minute
	settledFor  = 15 * time.Second
)

// writesNothing watches the audit log for a minute: nobody asks anything, so the operator has nothing to write but what follows from requests of
// the minutes before.
func writesNothing(t *testing.T, rag *v1alpha1.RAGService) {
	file := os.Getenv("AUDIT_LOG")
	if file == "" {
		t.Skip("AUDIT_LOG is not set: hack/e2e.sh names the audit log of the cluster that it brings up; other clusters keep theirs to themselves")
	}
	awaitReady(t, rag)
	began := time.Now()
	eventually(t, startTimeout, "the operator has settled", func() error {
		if w := writes(t, file, rag, time.Now().Add(-settledFor)); len(w) > 0 {
			return fmt.Errorf("it wrote %s", w[len(w)-1])
		}
		return nil
	})
	settled, before := time.Now(), withoutFigures(t, rag)
	select {
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	case <-time.After(quietMinute): // the figure is writes in a minute: there is no event to wait for
	}
	figures := 0
	made := slices.DeleteFunc(writes(t, file, rag, settled), func(w string) bool {
		isStatus := w == "patch ragservices/status "+rag.Name
		if isStatus {
			figures++
		}
		return isStatus
	})
	for _, w := range made {
		t.Errorf("the operator wrote %s", w)
	}
	if diff := cmp.Diff(before, withoutFigures(t, rag)); diff != "" || figures > 2 {
		t.Errorf("the operator wrote the status %d times (-before +after):\n%s", figures, diff)
	}
	t.Logf("| settled within %.0f s | %d writes in a minute, and %d of the status with figures of the last minutes |", settled.Sub(began).Seconds(), len(made), figures)
}

// withoutFigures is a status without what follows from the requests of the last minutes, which changes while nobody asks.
func withoutFigures(t *testing.T, rag *v1alpha1.RAGService) v1alpha1.RAGServiceStatus {
	t.Helper()
	if err := kube.Get(t.Context(), client.ObjectKeyFromObject(rag), rag); err != nil {
		t.Fatal(err)
	}
	s := rag.Status.DeepCopy()
	s.Cache, s.Alerts = nil, nil
	s.Conditions = slices.DeleteFunc(s.Conditions, func(c metav1.Condition) bool {
		return c.Type == v1alpha1.ConditionCacheEffective || c.Type == v1alpha1.ConditionAlertsClear
	})
	return *s
}

// writes are those of the operator in the namespace of a RAGService.
func writes(t *testing.T, file string, rag *v1alpha1.RAGService, since time.Time) (all []string) {
	t.Helper()
	for _, e := range auditEvents(t, file, since) {
		if !strings.Contains(e.User.Username, ":ragservice-") || e.ObjectRef.Namespace != rag.Namespace {
			continue
		}
		switch e.Verb {
		case "create", "update", "patch", "delete", "deletecollection":
			all = append(all, fmt.Sprintf("%s %s/%s %s", e.Verb, e.ObjectRef.Resource, e.ObjectRef.Subresource, e.ObjectRef.Name))
		}
	}
	return all
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
