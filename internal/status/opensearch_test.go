package status_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// openSearchEvaluations are those of evaluations about OpenSearch, managed and external.
var openSearchEvaluations = []evaluation{
	{"OpenSearch is being created", []change{missing(desired.ComponentOpenSearch)},
		outcome{"OpenSearchReady": "False/Progressing", "Ready": "False/Progressing", "Reconciling": "True/Progressing"}},
	{"OpenSearch finds no node", []change{unready(desired.ComponentOpenSearch), diagnosed(desired.ComponentOpenSearch, "p-0", "", status.ReasonUnschedulable)},
		outcome{"OpenSearchReady": "False/Unschedulable", "Ready": "False/Unschedulable", "Reconciling": "True/Progressing"}},
	{"half of the servers cannot reach OpenSearch", []change{server(func(s *telemetry.Statusz) { s.OpenSearch = telemetry.DependencyDown })},
		outcome{"OpenSearchReady": "False/StoreUnreachable", "Ready": "False/StoreUnreachable", "Reconciling": "True/Progressing"}},
	{"half of the servers cannot reach an OpenSearch that has just become ready", []change{
		server(func(s *telemetry.Statusz) { s.OpenSearch = telemetry.DependencyDown }), storeReadyFor(10 * time.Second),
	}, nil},
	{"no server becomes ready, for it cannot find OpenSearch", []change{noServerReady(telemetry.FaultDNS), storeReadyFor(time.Minute)}, outcome{
		"OpenSearchReady": "False/StoreUnreachable", "ServerReady": "False/StoreUnreachable", "Ready": "False/StoreUnreachable",
		"ConfigApplied": "False/Progressing", "Reconciling": "True/Progressing",
	}},
	{"servers wait for OpenSearch, which starts", []change{noServerReady(telemetry.FaultRefused), unready(desired.ComponentOpenSearch)}, outcome{
		"OpenSearchReady": "False/Progressing", "ServerReady": "False/Progressing", "Ready": "False/Progressing",
		"ConfigApplied": "False/Progressing", "Reconciling": "True/Progressing",
	}},
	{"OpenSearch uses a volume that stayed", []change{reused(desired.ComponentOpenSearch, "slow")},
		outcome{"OpenSearchReady": "True/ReusedVolume"}},
	{"one of three nodes of OpenSearch restarts", []change{nodesReady(2, 3)}, outcome{"OpenSearchReady": "True/Degraded"}},
	{"most nodes of OpenSearch are away", []change{nodesReady(1, 3)},
		outcome{"OpenSearchReady": "False/Progressing", "Ready": "False/Progressing", "Reconciling": "True/Progressing"}},
	{"two nodes come to one of OpenSearch", []change{nodesReady(1, 3), searchPlan(desired.ComponentPlan{Members: 1})}, outcome{"OpenSearchReady": "True/Degraded"}},
	{"two nodes come to three of OpenSearch, of which one is left", []change{nodesReady(1, 5), searchPlan(desired.ComponentPlan{Members: 3})},
		outcome{"OpenSearchReady": "False/Progressing", "Ready": "False/Progressing", "Reconciling": "True/Progressing"}},
	{"two of three nodes of OpenSearch leave", []change{nodesReady(3, 3), searchPlan(desired.ComponentPlan{Leaving: 2})},
		outcome{"OpenSearchReady": "True/Draining", "Reconciling": "True/Progressing"}},
	{"two of three nodes of OpenSearch have been told to leave", []change{nodesReady(3, 3), searchPlan(desired.ComponentPlan{Leaving: 2, Told: true})},
		outcome{"OpenSearchReady": "True/Draining", "Reconciling": "True/Progressing"}},
	{"it is suspended while nodes of OpenSearch leave", []change{nodesReady(3, 3), suspended, openSearchWas("Draining")},
		outcome{"OpenSearchReady": "True/Draining", "Ready": "True/Suspended"}},
	{"nodes of OpenSearch leave, and nobody knows what there shall be", []change{nodesReady(3, 3), noPlan, openSearchWas("Draining")},
		outcome{"OpenSearchReady": "True/Draining", "Reconciling": "True/Progressing"}},
	{"nodes of OpenSearch have left volumes", []change{searchPlan(desired.ComponentPlan{Emptied: []string{"data-papers-opensearch-1"}})},
		outcome{"OpenSearchReady": "True/VolumeKept"}},
	{"OpenSearch takes no documents", []change{server(func(s *telemetry.Statusz) { s.OpenSearchBlocked = true })},
		outcome{"OpenSearchReady": "True/WritesBlocked"}},
	{"one node of OpenSearch restarts, and it takes no documents", []change{nodesReady(2, 3), server(func(s *telemetry.Statusz) { s.OpenSearchBlocked = true })},
		outcome{"OpenSearchReady": "True/WritesBlocked"}},
	{"the operator has just started, and OpenSearch took no documents before", []change{notPolled, openSearchWas("WritesBlocked")}, outcome{"OpenSearchReady": "True/WritesBlocked"}},
	{"an external OpenSearch takes no documents", []change{external, missing(desired.ComponentOpenSearch),
		server(func(s *telemetry.Statusz) { s.OpenSearchBlocked = true })}, outcome{"OpenSearchReady": "True/WritesBlocked"}},
	{"servers use an external OpenSearch", []change{external, missing(desired.ComponentOpenSearch)}, nil},
	{"half of the servers cannot use an external OpenSearch", []change{external, missing(desired.ComponentOpenSearch),
		server(func(s *telemetry.Statusz) { s.OpenSearch = telemetry.DependencyDown })},
		outcome{"OpenSearchReady": "False/StoreUnreachable", "Ready": "False/StoreUnreachable", "Reconciling": "True/Progressing"}},
	{"no server has reached an external OpenSearch", []change{external, missing(desired.ComponentOpenSearch),
		servers(func(s *telemetry.Statusz) { s.OpenSearch = telemetry.DependencyUnknown })},
		outcome{"OpenSearchReady": "False/Progressing", "Ready": "False/Progressing", "Reconciling": "True/Progressing"}},
	{"the operator has just started, and OpenSearch is external", []change{external, missing(desired.ComponentOpenSearch), notPolled}, nil},
	{"no server runs to ask an external OpenSearch", []change{external, missing(desired.ComponentOpenSearch), noServers},
		outcome{"ServerReady": "True/NoReplicas", "ConfigApplied": "True/NoReplicas", "Ready": "True/NoReplicas", "CacheEffective": "Unknown/WarmingUp"}},
	{"a volume is left of the OpenSearch before an external one", []change{external, missing(desired.ComponentOpenSearch),
		searchPlan(desired.ComponentPlan{Kept: "data-papers-opensearch-0"})}, outcome{"OpenSearchReady": "True/VolumeKept"}},
}

// TestADrainSaysWhatItWaitsFor: for an answer of the cluster, or for its shards to move.
func TestADrainSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	for told, says := range map[bool]string{false: "port 9200", true: "_cat/shards"} {
		got := status.Evaluate(wellPass(nodesReady(3, 3), searchPlan(desired.ComponentPlan{Leaving: 2, Told: told}))).Status
		message := meta.FindStatusCondition(got.Conditions, "OpenSearchReady").Message
		if !strings.Contains(message, says) || !strings.Contains(message, "2 of its 3 nodes") {
			t.Errorf("told is %t: %q", told, message)
		}
	}
}

// searchPlan is what there shall be of OpenSearch.
func searchPlan(plan desired.ComponentPlan) change {
	return func(p *status.Pass) {
		plan.Name = desired.ComponentOpenSearch
		p.State.Components = []desired.ComponentPlan{plan}
	}
}

func noPlan(p *status.Pass) { p.State = nil }

// openSearchWas is what was said of it before.
func openSearchWas(reason string) change {
	return was(v1alpha1.ConditionOpenSearchReady, metav1.ConditionTrue, reason)
}

// was is what the status of before says of a condition.
func was(conditionType string, is metav1.ConditionStatus, reason string) change {
	return func(p *status.Pass) {
		meta.SetStatusCondition(&p.Service.Status.Conditions, metav1.Condition{
			Type: conditionType, Status: is, Reason: reason, Message: "as before", ObservedGeneration: p.Service.Generation,
			LastTransitionTime: metav1.NewTime(start),
		})
	}
}
