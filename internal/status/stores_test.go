package status_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// TestWhyAStoreCannotBeUsed looks for the word of each cause in both conditions that tell it.
func TestWhyAStoreCannotBeUsed(t *testing.T) {
	t.Parallel()
	for why, word := range map[telemetry.DependencyFault]string{
		telemetry.FaultDNS: "DNS", telemetry.FaultRefused: "refused", telemetry.FaultTimeout: "in time", telemetry.FaultForeign: "something else",
		telemetry.FaultAuth: "password", telemetry.FaultUnready: "red", telemetry.FaultBlocked: "disk", "": "database_connection_lost",
	} {
		got := status.Evaluate(wellPass(noServerReady(why), storeReadyFor(time.Hour))).Status
		for _, c := range []string{"OpenSearchReady", "ServerReady"} {
			if message := condition(got, c).Message; !strings.Contains(message, word) {
				t.Errorf("%s: %s says %q", why, c, message)
			}
		}
	}
}

// TestWhyAnExternalStoreCannotBeUsed looks for the field to check.
func TestWhyAnExternalStoreCannotBeUsed(t *testing.T) {
	t.Parallel()
	for why, word := range map[telemetry.DependencyFault]string{
		telemetry.FaultDNS: "urls", telemetry.FaultRefused: "spec.networkPolicy.egress", telemetry.FaultTimeout: "in time", telemetry.FaultForeign: "no OpenSearch",
		telemetry.FaultAuth: "credentialsSecretRef", telemetry.FaultTLS: "caSecretRef", telemetry.FaultUnready: "_cluster/health",
		telemetry.FaultBlocked: "disk", "": "database_connection_lost",
	} {
		message := condition(status.Evaluate(wellPass(external, noServerReady(why))).Status, "OpenSearchReady").Message
		if !strings.Contains(message, word) || !strings.Contains(message, "spec.openSearch.external") {
			t.Errorf("%s: %q", why, message)
		}
	}
}

func TestAStoreThatHasJustBecomeReadyIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	p := wellPass(noServerReady(telemetry.FaultRefused), storeReadyFor(5*time.Second))
	if got := status.Evaluate(p).RecheckAfter; got != 15*time.Second {
		t.Errorf("the next look is in %s, want 15s", got)
	}
	storeReadyFor(time.Minute)(&p)
	if got := status.Evaluate(p).RecheckAfter; got != 0 {
		t.Errorf("a wait that has ended is looked at again in %s", got)
	}
}
