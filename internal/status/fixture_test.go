package status_test

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

const (
	oldHash = "00000000000000aa"
	newHash = "00000000000000bb"
)

var start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// change is one difference from a pass in which all is well.
type change func(*status.Pass)

// wellPass is a pass of a service of two servers that has run for a while, with the status that such a pass leaves.
func wellPass(changes ...change) status.Pass {
	p := status.Pass{
		Service: &v1alpha1.RAGService{
			ObjectMeta: metav1.ObjectMeta{Name: "papers", Namespace: "library", Generation: 3},
			Spec: v1alpha1.RAGServiceSpec{
				Models: v1alpha1.ModelsSpec{LLM: v1alpha1.LLMSpec{Provider: v1alpha1.LLMProviderExtractive}},
			},
		},
		Secrets: &desired.SecretFacts{},
		State: &desired.Plan{
			ConfigHash: oldHash,
			Replicas:   2,
			Selector:   "app.kubernetes.io/instance=papers",
			Endpoint:   "http://papers-server.library.svc",
		},
		Observed: &status.Observed{
			Workloads: map[desired.Component]status.Workload{
				desired.ComponentServer:     running(2),
				desired.ComponentRedisCache: running(1),
				desired.ComponentRedisState: running(1),
				desired.ComponentOpenSearch: running(1),
			},
			Poll: status.Poll{
				At: start, Asked: 2, Reports: []telemetry.Statusz{wellServer("a"), wellServer("b")}, Traffic: counted(40, func(*telemetry.Minute) {}),
			},
		},
		Now: start,
	}
	p.Service.Status = status.Evaluate(p).Status
	p.Now = start.Add(time.Hour)
	for _, c := range changes {
		c(&p)
	}
	return p
}

// nowMinute is the minute in which servers were asked.
const nowMinute = 31_000_000

// counted is the traffic of so many minutes before this one, all of it well but for what edit does to each.
func counted(minutes int64, edit func(*telemetry.Minute)) status.Traffic {
	t := status.Traffic{Now: nowMinute, Since: nowMinute - minutes}
	for minute := nowMinute - minutes; minute < nowMinute; minute++ {
		m := telemetry.Minute{
			Minute: minute, Requests: 100, Hits: 80, Misses: 20, ModelCalls: 20, Latency: []int64{0, 0, 0, 0, 0, 100}, DiskPercent: 40,
		}
		edit(&m)
		t.Minutes = append(t.Minutes, m)
	}
	return t
}

// counts is a change of traffic.
func counts(edit func(*telemetry.Minute)) change {
	return func(p *status.Pass) { p.Observed.Poll.Traffic = counted(40, edit) }
}

func failing(m *telemetry.Minute) { m.Errors = 20 }

func running(n int32) status.Workload {
	return status.Workload{Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, WantedReplicas: n, UpToDate: true}
}

func wellServer(uid string) telemetry.Statusz {
	return telemetry.Statusz{
		PodUID: uid, Ready: true, ConfigHash: oldHash, WindowSeconds: 300,
		OpenSearch: telemetry.DependencyUp, RedisCache: telemetry.DependencyUp, RedisState: telemetry.DependencyUp,
		LLM:   telemetry.DependencyUnused,
		Cache: []telemetry.CacheCount{{Kind: "search", Hits: 8, Misses: 2}, {Kind: "llm", Hits: 3, Misses: 7}},
	}
}

func neverSeen(p *status.Pass) {
	p.Service.Status = v1alpha1.RAGServiceStatus{ObservedGeneration: new(int64(-1))}
}
func newSpec(p *status.Pass)      { p.Service.Generation++ }
func inputsUnread(p *status.Pass) { p.Secrets, p.State = nil, nil }
func notScaling(p *status.Pass) {
	p.Observed.Scaling = status.ScalingFailure{Condition: "ScalingActive", Reason: "FailedGetContainerResourceMetric"}
}
func suspended(p *status.Pass) { p.Service.Spec.Suspend = new(true) }
func nothingWritten(p *status.Pass) {
	p.State = nil
	p.Observed = &status.Observed{}
}
func notPolled(p *status.Pass) { p.Observed.Poll = status.Poll{} }
func nobodyAnswers(p *status.Pass) {
	p.Observed.Poll.Reports = nil
}
func noTraffic(p *status.Pass) {
	servers(func(s *telemetry.Statusz) { s.Cache = nil })(p)
}
func minAvailable(n int32) change {
	return func(p *status.Pass) { p.Service.Spec.Server.MinAvailable = &n }
}
func nodesReady(ready, wanted int32) change {
	return workload(desired.ComponentOpenSearch, func(w *status.Workload) {
		*w = running(wanted)
		w.ReadyReplicas = ready
	})
}
func external(p *status.Pass) {
	p.Service.Spec.OpenSearch.External = &v1alpha1.ExternalOpenSearch{URLs: []v1alpha1.OpenSearchURL{"https://search"}}
}
func kindMissing(p *status.Pass) {
	p.State.Components = []desired.ComponentPlan{{Name: desired.ComponentServer, Missing: []desired.MissingKind{{
		Field: "spec.server.gateway", Kind: schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"},
	}}}}
}
func callsModel(p *status.Pass) { p.Service.Spec.Models.LLM.Provider = v1alpha1.LLMProviderOpenAI }
func reused(c desired.Component, class string) change {
	return func(p *status.Pass) { p.Observed.ReusedVolumes = map[desired.Component]string{c: class} }
}
func noServers(p *status.Pass) {
	p.State.Replicas = 0
	p.Observed.Workloads[desired.ComponentServer] = running(0)
	p.Observed.Poll = status.Poll{At: p.Now}
}

// servers changes every report.
func servers(edit func(*telemetry.Statusz)) change {
	return func(p *status.Pass) {
		reports := make([]telemetry.Statusz, len(p.Observed.Poll.Reports))
		for i, r := range p.Observed.Poll.Reports {
			edit(&r)
			reports[i] = r
		}
		p.Observed.Poll.Reports = reports
	}
}

// server changes the report of the first server alone.
func server(edit func(*telemetry.Statusz)) change {
	return func(p *status.Pass) { edit(&p.Observed.Poll.Reports[0]) }
}

func workload(c desired.Component, edit func(*status.Workload)) change {
	return func(p *status.Pass) {
		w := p.Observed.Workloads[c]
		edit(&w)
		p.Observed.Workloads[c] = w
	}
}

func missing(c desired.Component) change {
	return func(p *status.Pass) { delete(p.Observed.Workloads, c) }
}

func unready(c desired.Component) change {
	return workload(c, func(w *status.Workload) { w.ReadyReplicas-- })
}

func diagnosed(c desired.Component, pod, container, reason string) change {
	return func(p *status.Pass) {
		p.Observed.Diagnostics = append(p.Observed.Diagnostics, status.ComponentDiagnostic{
			Component: c, Diagnostic: v1alpha1.Diagnostic{Pod: pod, Container: container, Reason: reason},
		})
	}
}

func secretProblem(problem desired.SecretProblem) change {
	return func(p *status.Pass) {
		p.Secrets = &desired.SecretFacts{Problems: []desired.SecretProblem{problem}}
		p.State.Withheld = []desired.Component{desired.ComponentServer}
	}
}

func fault(c desired.Component, reason string) change {
	return func(p *status.Pass) {
		p.Faults = append(p.Faults, status.Fault{Component: c, Reason: reason, Message: "a step failed"})
	}
}

// wants makes the pass write another configuration.
func wants(hash string) change { return func(p *status.Pass) { p.State.ConfigHash = hash } }

// outcomes are "Status/Reason" by type of condition.
func outcomes(s v1alpha1.RAGServiceStatus) map[string]string {
	out := map[string]string{}
	for _, c := range s.Conditions {
		out[c.Type] = string(c.Status) + "/" + c.Reason
	}
	return out
}

func condition(s v1alpha1.RAGServiceStatus, conditionType string) metav1.Condition {
	for _, c := range s.Conditions {
		if c.Type == conditionType {
			return c
		}
	}
	return metav1.Condition{}
}

// badKey is an entry that servers leave out.
var badKey = desired.SecretProblem{
	Field: "spec.auth.apiKeysSecretRef", Secret: "keys", Key: "a", Reason: v1alpha1.ReasonKeyRefused, Detail: "role must be admin or client",
}

// noServerReady has both servers run, unready, and say why.
func noServerReady(why telemetry.DependencyFault) change {
	return func(p *status.Pass) {
		servers(func(s *telemetry.Statusz) {
			s.Ready, s.OpenSearch, s.OpenSearchFault = false, telemetry.DependencyDown, why
		})(p)
		p.Observed.Poll = status.Poll{At: p.Now, Unready: p.Observed.Poll.Reports}
		workload(desired.ComponentServer, func(w *status.Workload) { w.ReadyReplicas = 0 })(p)
	}
}

func refused(c desired.Component, reason string) change {
	return workload(c, func(w *status.Workload) {
		w.Refused = status.Refusal{Reason: reason, Detail: "quota q, requested limits.cpu=500m"}
	})
}

func noServerAnswers(p *status.Pass) {
	workload(desired.ComponentServer, func(w *status.Workload) { w.ReadyReplicas = 0 })(p)
}

// propagation is as long as a configuration may be on its way.
const propagation = 2 * time.Minute

// propagatingFor has the configuration be on its way for d already.
func propagatingFor(d time.Duration) change {
	return func(p *status.Pass) {
		meta.FindStatusCondition(p.Service.Status.Conditions, "ConfigApplied").Reason = v1alpha1.ReasonPropagating
		meta.FindStatusCondition(p.Service.Status.Conditions, "ConfigApplied").Status = metav1.ConditionFalse
		sinceTransition(p, "ConfigApplied", d)
	}
}

// since has a condition be False for d already.
func since(conditionType string, d time.Duration) change {
	return func(p *status.Pass) {
		meta.FindStatusCondition(p.Service.Status.Conditions, conditionType).Status = metav1.ConditionFalse
		sinceTransition(p, conditionType, d)
	}
}

func sinceTransition(p *status.Pass, conditionType string, d time.Duration) {
	meta.FindStatusCondition(p.Service.Status.Conditions, conditionType).LastTransitionTime = metav1.NewTime(p.Now.Add(-d))
}

func storeReadyFor(d time.Duration) change {
	return func(p *status.Pass) {
		workload(desired.ComponentOpenSearch, func(w *status.Workload) { w.ReadySince = p.Now.Add(-d) })(p)
	}
}

func llm(state telemetry.DependencyState) func(*telemetry.Statusz) {
	return func(s *telemetry.Statusz) { s.LLM = state }
}

func traffic(hits, misses int64) func(*telemetry.Statusz) {
	return func(s *telemetry.Statusz) {
		s.Cache = []telemetry.CacheCount{{Kind: "search", Hits: hits, Misses: misses}}
	}
}
