package status_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

func TestDiagnosticsLeaveRoomForEveryComponent(t *testing.T) {
	t.Parallel()
	changes := []change{diagnosed(desired.ComponentOpenSearch, "papers-opensearch-0", "opensearch", status.ReasonOOMKilled)}
	for i := range 20 {
		changes = append(changes, diagnosed(desired.ComponentServer, fmt.Sprintf("papers-server-%02d", i), "server", status.ReasonCrashLoopBackOff))
	}
	var pods []string
	for _, d := range status.Evaluate(wellPass(changes...)).Status.Diagnostics {
		pods = append(pods, d.Pod)
	}
	want := []string{"papers-opensearch-0"}
	for i := range 7 {
		want = append(want, fmt.Sprintf("papers-server-%02d", i))
	}
	if diff := cmp.Diff(want, pods); diff != "" {
		t.Errorf("pods of diagnostics (-want +got):\n%s", diff)
	}
}

func TestMessagesDoNotDependOnNamesOfPods(t *testing.T) {
	t.Parallel()
	message := func(first, second string) string {
		p := wellPass(
			diagnosed(desired.ComponentServer, first, "server", status.ReasonImagePullBackOff),
			diagnosed(desired.ComponentServer, second, "", status.ReasonUnschedulable))
		return condition(status.Evaluate(p).Status, v1alpha1.ConditionServerReady).Message
	}
	if a, b := message("a", "b"), message("d", "c"); a != b {
		t.Errorf("messages differ:\n%s\n%s", a, b)
	}
}

func TestRecoveryClearsDiagnostics(t *testing.T) {
	t.Parallel()
	p := wellPass(diagnosed(desired.ComponentServer, "p", "server", status.ReasonCrashLoopBackOff))
	p.Service.Status = status.Evaluate(p).Status
	if len(p.Service.Status.Diagnostics) != 1 {
		t.Fatalf("diagnostics %v, want one", p.Service.Status.Diagnostics)
	}
	p.Observed.Diagnostics = nil
	recovered := status.Evaluate(p)
	if diff := cmp.Diff(well, outcomes(recovered.Status)); diff != "" || len(recovered.Status.Diagnostics) > 0 {
		t.Errorf("after recovery: diagnostics %v, conditions (-want +got):\n%s", recovered.Status.Diagnostics, diff)
	}
}
