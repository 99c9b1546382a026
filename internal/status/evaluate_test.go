package status_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// well is what a service of which all is well shows. Cases name what differs.
var well = map[string]string{
	"Ready":             "True/Ready",
	"SecretsResolved":   "True/Resolved",
	"RedisReady":        "True/Available",
	"OpenSearchReady":   "True/Available",
	"ModelsReady":       "True/NotConfigured",
	"ServerReady":       "True/Available",
	"ConfigApplied":     "True/Applied",
	"CacheEffective":    "True/Effective",
	"AlertsClear":       "True/Clear",
	"SnapshotsReady":    "True/NotConfigured",
	"MonitoringReady":   "True/NotConfigured",
	"BudgetWithinLimit": "True/NotConfigured",
}

type outcome map[string]string

// evaluation is what differs from a pass in which all is well, and what differs in its verdict.
type evaluation struct {
	name    string
	changes []change
	want    outcome
}

// evaluations is every rule once.
var evaluations = append([]evaluation{
	{"all is well", nil, nil},
	{"a restarted operator has not polled yet", []change{notPolled}, nil},

	{"a Secret is missing", []change{secretProblem(desired.SecretProblem{
		Field: "spec.models.llm.apiKeySecretRef", Secret: "llm", Key: "token", Reason: v1alpha1.ReasonSecretNotFound,
	})}, outcome{"SecretsResolved": "False/SecretNotFound", "Ready": "False/SecretNotFound", "Reconciling": "True/SecretNotFound"}},
	{"a Secret is missing for two minutes", []change{secretProblem(desired.SecretProblem{
		Field: "spec.models.llm.apiKeySecretRef", Secret: "llm", Key: "token", Reason: v1alpha1.ReasonSecretNotFound,
	}), since("SecretsResolved", 2*time.Minute)}, outcome{"SecretsResolved": "False/SecretNotFound", "Ready": "False/SecretNotFound", "Stalled": "True/SecretNotFound"}},
	{"no key is one", []change{secretProblem(desired.SecretProblem{
		Field: "spec.auth.apiKeysSecretRef", Secret: "keys", Key: "a", Reason: v1alpha1.ReasonSecretInvalid,
	})}, outcome{"SecretsResolved": "False/SecretInvalid", "Ready": "False/SecretInvalid", "Stalled": "True/SecretInvalid"}},
	{"a key is not one", []change{func(p *status.Pass) { p.Secrets.Problems = []desired.SecretProblem{badKey} }},
		outcome{"SecretsResolved": "False/KeyRefused"}},
	{"a key is not one, and a Secret is missing", []change{secretProblem(badKey), func(p *status.Pass) {
		p.Secrets.Problems = append(p.Secrets.Problems, desired.SecretProblem{
			Field: "spec.models.llm.apiKeySecretRef", Secret: "llm", Key: "token", Reason: v1alpha1.ReasonSecretNotFound,
		})
	}}, outcome{"SecretsResolved": "False/SecretNotFound", "Ready": "False/SecretNotFound", "Reconciling": "True/SecretNotFound"}},
	{"a Secret is missing from the start", []change{neverSeen, missing(desired.ComponentServer), notPolled, secretProblem(desired.SecretProblem{
		Field: "spec.auth.apiKeysSecretRef", Secret: "keys", Reason: v1alpha1.ReasonSecretKeyNotFound,
	})}, outcome{
		"SecretsResolved": "False/SecretKeyNotFound", "Ready": "False/SecretKeyNotFound", "Reconciling": "True/SecretKeyNotFound",
		"ServerReady": "False/AwaitingSecrets", "ConfigApplied": "False/AwaitingSecrets", "CacheEffective": "Unknown/WarmingUp", "AlertsClear": "Unknown/WarmingUp",
	}},

	{"certificates expire in a month", []change{certificates(30 * 24 * time.Hour)}, outcome{"SecretsResolved": "True/CertificateExpires"}},
	{"certificates have expired", []change{certificates(0)}, outcome{"SecretsResolved": "False/CertificateExpired"}},
	{"certificates have expired, and a key is none", []change{certificates(0), func(p *status.Pass) { p.Secrets.Problems = []desired.SecretProblem{badKey} }},
		outcome{"SecretsResolved": "False/CertificateExpired"}},
	{"certificates expire, and a key is none", []change{certificates(time.Hour), func(p *status.Pass) { p.Secrets.Problems = []desired.SecretProblem{badKey} }},
		outcome{"SecretsResolved": "False/KeyRefused"}},
	{"certificates have expired, and a Secret is missing", []change{certificates(0), func(p *status.Pass) {
		p.Secrets.Problems = []desired.SecretProblem{{Field: "spec.models.llm.apiKeySecretRef", Secret: "llm", Key: "token", Reason: v1alpha1.ReasonSecretNotFound}}
	}}, outcome{"SecretsResolved": "False/SecretNotFound", "Ready": "False/SecretNotFound", "Reconciling": "True/SecretNotFound"}},

	{"the certificate of the Ingress is missing", []change{ingressCertificate}, outcome{"SecretsResolved": "False/CertificateUnusable"}},
	{"the certificate of the Ingress is missing from the start", []change{neverSeen, ingressCertificate}, outcome{"SecretsResolved": "False/CertificateUnusable"}},
	{"cert-manager makes the certificate of the Ingress", []change{func(p *status.Pass) { p.Secrets.AwaitedCertificate = "rag-tls" }},
		outcome{"SecretsResolved": "True/CertificateAwaited"}},

	{"Redis is starting", []change{unready(desired.ComponentRedisState)},
		outcome{"RedisReady": "False/Progressing", "Ready": "True/Degraded", "Reconciling": "True/Progressing"}},
	{"Redis cannot start", []change{unready(desired.ComponentRedisCache), diagnosed(desired.ComponentRedisCache, "p-0", "redis", status.ReasonImagePullBackOff)},
		outcome{"RedisReady": "False/PodFailing", "Ready": "True/Degraded", "Reconciling": "True/Progressing"}},
	{"servers cannot reach Redis", []change{servers(func(s *telemetry.Statusz) { s.RedisState = telemetry.DependencyDown })},
		outcome{"RedisReady": "False/StoreUnreachable", "Ready": "True/Degraded", "Reconciling": "True/Progressing"}},

	{"Redis uses a volume that stayed", []change{reused(desired.ComponentRedisState, "slow")}, outcome{}},
	{"Redis uses a volume of another class", []change{reused(desired.ComponentRedisState, "slow"), func(p *status.Pass) {
		p.Service.Spec.Redis.Managed = &v1alpha1.ManagedRedis{StorageClassName: new("fast")}
	}}, outcome{"RedisReady": "True/ReusedVolume"}},

	{"nobody has asked the model", []change{callsModel, servers(llm(telemetry.DependencyUnknown))},
		outcome{"ModelsReady": "Unknown/WarmingUp"}},
	{"the model answers", []change{callsModel, server(llm(telemetry.DependencyUp))}, outcome{"ModelsReady": "True/Available"}},
	{"the model fails for half of the servers", []change{callsModel, server(llm(telemetry.DependencyDown))},
		outcome{"ModelsReady": "False/LLMUnavailable", "Ready": "False/LLMUnavailable"}},
	{"the model fails and answers are extracted", []change{callsModel, func(p *status.Pass) {
		p.Service.Spec.Models.LLM.OnUnavailable = v1alpha1.OnUnavailableExtract
	}, server(llm(telemetry.DependencyDown))}, outcome{"ModelsReady": "False/LLMUnavailable", "Ready": "True/Degraded"}},

	{"a quota refuses OpenSearch's pod", []change{unready(desired.ComponentOpenSearch), refused(desired.ComponentOpenSearch, v1alpha1.ReasonQuotaExceeded)},
		outcome{"OpenSearchReady": "False/QuotaExceeded", "Ready": "False/QuotaExceeded", "Reconciling": "True/Progressing"}},
	{"OpenSearch's claim gets no volume", []change{unready(desired.ComponentOpenSearch), diagnosed(desired.ComponentOpenSearch, "p-0", "", v1alpha1.ReasonVolumeNotBound)},
		outcome{"OpenSearchReady": "False/VolumeNotBound", "Ready": "False/VolumeNotBound", "Reconciling": "True/Progressing"}},
	{"OpenSearch's node is lost", []change{unready(desired.ComponentOpenSearch), diagnosed(desired.ComponentOpenSearch, "p-0", "", v1alpha1.ReasonNodeLost)},
		outcome{"OpenSearchReady": "False/NodeLost", "Ready": "False/NodeLost", "Reconciling": "True/Progressing"}},
	{"OpenSearch's volume cannot be mounted", []change{unready(desired.ComponentOpenSearch), diagnosed(desired.ComponentOpenSearch, "p-0", "", v1alpha1.ReasonMountFailed)},
		outcome{"OpenSearchReady": "False/MountFailed", "Ready": "False/MountFailed", "Reconciling": "True/Progressing"}},

	{"requests fail", []change{counts(failing)}, outcome{"AlertsClear": "False/Firing"}},
	{"every alert is disabled", []change{counts(failing), noAlerts}, outcome{"AlertsClear": "True/NotConfigured"}},
	{"there was no request yet", []change{neverSeen, counts(func(m *telemetry.Minute) { *m = telemetry.Minute{Minute: m.Minute, DiskPercent: 1} })},
		outcome{"AlertsClear": "Unknown/WarmingUp"}},
	{"there is no request any more", []change{func(p *status.Pass) { p.Observed.Poll.Traffic.Minutes = nil }}, nil},

	{"the autoscaler gets no figures", []change{notScaling}, outcome{"ServerReady": "True/NotScaling"}},
	{"the autoscaler gets no figures of servers that fail", []change{notScaling, unready(desired.ComponentServer)},
		outcome{"ServerReady": "False/Progressing", "Reconciling": "True/Progressing"}},

	{"it is suspended", []change{suspended}, outcome{"Ready": "True/Suspended"}},
	{"it is suspended with a new spec", []change{suspended, newSpec}, outcome{"Ready": "True/Suspended"}},
	{"it is suspended and servers fail", []change{suspended, diagnosed(desired.ComponentServer, "p-x", "server", status.ReasonCrashLoopBackOff), noServerAnswers},
		outcome{"ServerReady": "False/PodFailing", "Ready": "False/Suspended", "ConfigApplied": "False/Progressing"}},
	{"it is suspended and a StatefulSet is deleted", []change{suspended, missing(desired.ComponentOpenSearch)},
		outcome{"OpenSearchReady": "False/Suspended", "Ready": "False/Suspended"}},
	{"it is suspended from the start", []change{neverSeen, newSpec, suspended, nothingWritten}, outcome{
		"RedisReady": "False/Suspended", "OpenSearchReady": "False/Suspended", "ServerReady": "False/Suspended",
		"ConfigApplied": "False/Suspended", "Ready": "False/Suspended", "CacheEffective": "Unknown/WarmingUp", "AlertsClear": "Unknown/WarmingUp",
		"MonitoringReady": "Unknown/Progressing",
	}},
	{"it is suspended, and was scraped", []change{suspended, was(v1alpha1.ConditionMonitoringReady, metav1.ConditionTrue, v1alpha1.ReasonMonitored)},
		outcome{"Ready": "True/Suspended", "MonitoringReady": "True/Monitored"}},
	{"Prometheus Operator is there", []change{func(p *status.Pass) {
		p.State.Components = append(p.State.Components, desired.ComponentPlan{Objects: []desired.Object{{GVK: desired.MonitorKind}}})
	}}, outcome{"MonitoringReady": "True/Monitored"}},
	{"it is suspended and a Secret is missing", []change{suspended, func(p *status.Pass) {
		p.Secrets = &desired.SecretFacts{Problems: []desired.SecretProblem{{Secret: "llm", Key: "token", Reason: v1alpha1.ReasonSecretNotFound}}}
	}}, outcome{"SecretsResolved": "False/SecretNotFound", "Ready": "True/Suspended"}},
	{"it is suspended and cannot be read", []change{suspended, func(p *status.Pass) { p.Secrets = nil }, fault("", v1alpha1.ReasonReconcileFailed)},
		outcome{"Ready": "True/Suspended", "Reconciling": "True/ReconcileFailed"}},

	{"a server is missing", []change{unready(desired.ComponentServer)},
		outcome{"ServerReady": "False/Progressing", "Reconciling": "True/Progressing"}},
	{"a server is missing of those that must be ready", []change{unready(desired.ComponentServer), minAvailable(2)},
		outcome{"ServerReady": "False/Progressing", "Ready": "False/Progressing", "Reconciling": "True/Progressing"}},
	{"a server is missing, and enough are ready", []change{unready(desired.ComponentServer), minAvailable(1)},
		outcome{"ServerReady": "False/Progressing", "Reconciling": "True/Progressing"}},
	{"more servers must be ready than shall run", []change{minAvailable(3)}, nil},
	{"a kind is missing", []change{kindMissing}, outcome{"ServerReady": "False/KindMissing", "Reconciling": "True/Progressing"}},
	{"a kind is missing, and no server is wanted", []change{kindMissing, noServers},
		outcome{"ServerReady": "True/NoReplicas", "ConfigApplied": "True/NoReplicas", "Ready": "True/NoReplicas", "CacheEffective": "Unknown/WarmingUp"}},
	{"a server keeps ending", []change{diagnosed(desired.ComponentServer, "p-x", "server", status.ReasonCrashLoopBackOff)},
		outcome{"ServerReady": "False/PodFailing", "Reconciling": "True/Progressing"}},
	{"every server keeps ending", []change{noServerAnswers, diagnosed(desired.ComponentServer, "p-x", "server", status.ReasonCrashLoopBackOff)},
		outcome{"ServerReady": "False/PodFailing", "Ready": "False/PodFailing", "ConfigApplied": "False/Progressing", "Reconciling": "True/Progressing"}},
	{"servers are being replaced", []change{workload(desired.ComponentServer, func(w *status.Workload) { w.UpdatedReplicas, w.Replicas = 1, 3 })},
		outcome{"Reconciling": "True/Progressing"}},
	{"the Deployment has not been taken up", []change{workload(desired.ComponentServer, func(w *status.Workload) { w.UpToDate = false })},
		outcome{"Reconciling": "True/Progressing"}},
	{"no server is wanted", []change{noServers},
		outcome{"ServerReady": "True/NoReplicas", "ConfigApplied": "True/NoReplicas", "Ready": "True/NoReplicas", "CacheEffective": "Unknown/WarmingUp"}},

	{"a configuration is written", []change{wants(newHash)},
		outcome{"ConfigApplied": "False/Propagating", "Reconciling": "True/Progressing"}},
	{"a configuration is refused", []change{wants(newHash), server(func(s *telemetry.Statusz) { s.RejectedConfigHash = newHash })},
		outcome{"ConfigApplied": "False/ConfigRejected", "Ready": "False/ConfigRejected", "Stalled": "True/ConfigRejected"}},
	{"no server answers the operator", []change{nobodyAnswers},
		outcome{"ConfigApplied": "Unknown/PollFailed", "CacheEffective": "Unknown/WarmingUp"}},
	{"no server answers the operator that has a new configuration", []change{nobodyAnswers, wants(newHash)},
		outcome{"ConfigApplied": "Unknown/PollFailed", "Ready": "Unknown/PollFailed", "CacheEffective": "Unknown/WarmingUp", "Reconciling": "True/Progressing"}},
	{"one of two servers does not take up the configuration", []change{
		server(func(s *telemetry.Statusz) { s.ConfigHash = newHash }), propagatingFor(propagation),
	}, outcome{"ConfigApplied": "False/ConfigNotApplied", "Reconciling": "True/Progressing"}},
	{"one of two servers that must be ready does not take up the configuration", []change{
		server(func(s *telemetry.Statusz) { s.ConfigHash = newHash }), propagatingFor(propagation), minAvailable(2),
	}, outcome{"ConfigApplied": "False/ConfigNotApplied", "Ready": "False/ConfigNotApplied", "Reconciling": "True/Progressing"}},
	{"no server takes up the configuration", []change{
		servers(func(s *telemetry.Statusz) { s.ConfigHash = newHash }), propagatingFor(propagation),
	}, outcome{"ConfigApplied": "False/ConfigNotApplied", "Ready": "False/ConfigNotApplied", "Reconciling": "True/Progressing"}},
	{"one server misses a poll", []change{func(p *status.Pass) { p.Observed.Poll.Reports = p.Observed.Poll.Reports[:1] }}, nil},
	{"no server is ready", []change{noServerAnswers},
		outcome{"ConfigApplied": "False/Progressing", "ServerReady": "False/Progressing", "Ready": "False/Progressing", "Reconciling": "True/Progressing"}},

	{"there is no traffic", []change{noTraffic}, outcome{"CacheEffective": "Unknown/WarmingUp"}},
	{"few requests are answered from the cache", []change{servers(traffic(10, 90))}, outcome{"CacheEffective": "False/LowHitRate"}},
	{"the cache is off", []change{func(p *status.Pass) { p.Service.Spec.Cache.Enabled = new(false) }},
		outcome{"CacheEffective": "True/NotConfigured"}},

	{"an object of somebody else is in the way of the server", []change{fault(desired.ComponentServer, v1alpha1.ReasonNameConflict)}, outcome{
		"ServerReady": "False/NameConflict", "ConfigApplied": "False/NameConflict", "Ready": "False/NameConflict", "Stalled": "True/NameConflict",
	}},
	{"an object of Redis is refused", []change{fault(desired.ComponentRedisCache, v1alpha1.ReasonApplyFailed)},
		outcome{"RedisReady": "False/ApplyFailed", "Ready": "True/Degraded", "Stalled": "True/ApplyFailed"}},
	{"an object of no single part is refused", []change{fault("", v1alpha1.ReasonApplyFailed)},
		outcome{"Ready": "False/ApplyFailed", "Stalled": "True/ApplyFailed"}},
	{"a change was just written", []change{func(p *status.Pass) { p.Wrote = true }}, outcome{"Reconciling": "True/Progressing"}},
	{"an object of monitoring is refused", []change{newSpec, fault(desired.ComponentMonitoring, v1alpha1.ReasonApplyFailed)},
		outcome{"MonitoringReady": "False/ApplyFailed", "Stalled": "True/ApplyFailed"}},
	{"an object of monitoring cannot be written", []change{newSpec, fault(desired.ComponentMonitoring, v1alpha1.ReasonReconcileFailed)},
		outcome{"MonitoringReady": "False/ReconcileFailed", "Reconciling": "True/ReconcileFailed"}},
	{"an object of monitoring is of an earlier service", []change{fault(desired.ComponentMonitoring, v1alpha1.ReasonProgressing)},
		outcome{"MonitoringReady": "False/Progressing", "Reconciling": "True/Progressing"}},
	{"a step fails for a moment", []change{fault(desired.ComponentServer, v1alpha1.ReasonReconcileFailed)},
		outcome{"Reconciling": "True/ReconcileFailed"}},
	{"a step fails before a new spec is brought about", []change{newSpec, fault(desired.ComponentServer, v1alpha1.ReasonReconcileFailed)},
		outcome{"Ready": "False/ReconcileFailed", "Reconciling": "True/ReconcileFailed"}},
	{"reading the inputs fails", []change{inputsUnread, fault("", v1alpha1.ReasonReconcileFailed)},
		outcome{"Reconciling": "True/ReconcileFailed"}},
	{"what is broken speaks before what is on its way", []change{unready(desired.ComponentOpenSearch), noServerAnswers, diagnosed(desired.ComponentServer, "p", "server", status.ReasonOOMKilled)},
		outcome{"ConfigApplied": "False/Progressing", "OpenSearchReady": "False/Progressing", "ServerReady": "False/PodFailing", "Ready": "False/PodFailing", "Reconciling": "True/Progressing"}},
	{"it is being deleted", []change{func(p *status.Pass) {
		p.Service.DeletionTimestamp = &metav1.Time{Time: start}
		p.Secrets, p.State, p.Observed = nil, nil, nil
	}}, outcome{"Ready": "False/Deleting"}},
}, slices.Concat(openSearchEvaluations, snapshotEvaluations)...)

func TestEvaluate(t *testing.T) {
	t.Parallel()
	for _, c := range evaluations {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := maps.Clone(well)
			maps.Copy(want, c.want)
			if diff := cmp.Diff(want, outcomes(status.Evaluate(wellPass(c.changes...)).Status)); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEvaluateKeepsTheFormOfConditions(t *testing.T) {
	t.Parallel()
	for _, c := range evaluations {
		p := wellPass(c.changes...)
		if p.Observed != nil {
			for i := range p.Observed.Diagnostics {
				p.Observed.Diagnostics[i].Pod = "papers-server-5bbb97767c-7l49x"
			}
		}
		for _, condition := range status.Evaluate(p).Status.Conditions {
			if n := len(condition.Message); n == 0 || n >= 256 {
				t.Errorf("%s: message of %s has %d characters", c.name, condition.Type, n)
			}
			if strings.Contains(condition.Message, "5bbb97767c") {
				t.Errorf("%s: message of %s names a pod: %s", c.name, condition.Type, condition.Message)
			}
			if condition.ObservedGeneration == 0 || condition.LastTransitionTime.IsZero() || condition.Reason == "" {
				t.Errorf("%s: incomplete condition %+v", c.name, condition)
			}
		}
	}
}

func TestEvaluateSettles(t *testing.T) {
	t.Parallel()
	for _, c := range evaluations {
		p := wellPass(c.changes...)
		p.Service.Status = status.Evaluate(p).Status
		p.Now = p.Now.Add(time.Second)
		again := status.Evaluate(p)
		if diff := cmp.Diff(p.Service.Status, again.Status); diff != "" {
			t.Errorf("%s: the same facts give another status (-first +second):\n%s", c.name, diff)
		}
		if len(again.Events) > 0 {
			t.Errorf("%s: the same facts are told again: %v", c.name, again.Events)
		}
	}
}

func TestEvaluateChangesNoArgument(t *testing.T) {
	t.Parallel()
	for _, c := range evaluations {
		p, same := wellPass(c.changes...), wellPass(c.changes...)
		status.Evaluate(p)
		if diff := cmp.Diff(same, p); diff != "" {
			t.Errorf("%s: the pass was changed (-before +after):\n%s", c.name, diff)
		}
	}
}

func TestEvaluateFirstSight(t *testing.T) {
	t.Parallel()
	service := &v1alpha1.RAGService{ObjectMeta: metav1.ObjectMeta{Name: "papers", Generation: 1}}
	got := status.Evaluate(status.Pass{Service: service, Now: start})
	want := outcome{
		"Ready": "Unknown/Progressing", "SecretsResolved": "Unknown/Progressing", "RedisReady": "Unknown/Progressing",
		"OpenSearchReady": "Unknown/Progressing", "ModelsReady": "Unknown/WarmingUp", "ServerReady": "Unknown/Progressing",
		"ConfigApplied": "Unknown/Progressing", "CacheEffective": "Unknown/WarmingUp", "AlertsClear": "Unknown/WarmingUp",
		"SnapshotsReady": "True/NotConfigured", "MonitoringReady": "Unknown/Progressing", "BudgetWithinLimit": "True/NotConfigured",
		"Reconciling": "True/Progressing",
	}
	if diff := cmp.Diff(want, outcome(outcomes(got.Status))); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if *got.Status.ObservedGeneration != -1 {
		t.Errorf("observedGeneration %d, want -1: nobody has judged the spec", *got.Status.ObservedGeneration)
	}
	if len(got.Events) > 0 {
		t.Errorf("events %v, want none", got.Events)
	}
}

func TestEvaluateObservedGeneration(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		changes []change
		want    int64
	}{
		{"written", []change{newSpec}, 4},
		{"refused for good", []change{newSpec, fault(desired.ComponentServer, v1alpha1.ReasonApplyFailed)}, 4},
		{"failed for a moment", []change{newSpec, fault(desired.ComponentServer, v1alpha1.ReasonReconcileFailed)}, 3},
		{"monitoring failed for a moment", []change{newSpec, fault(desired.ComponentMonitoring, v1alpha1.ReasonReconcileFailed)}, 4},
		{"not read", []change{newSpec, inputsUnread}, 3},
	} {
		if got := *status.Evaluate(wellPass(c.changes...)).Status.ObservedGeneration; got != c.want {
			t.Errorf("%s: observedGeneration %d, want %d", c.name, got, c.want)
		}
	}
}

func TestAVolumeOfAnotherClassIsTold(t *testing.T) {
	t.Parallel()
	for class, want := range map[string]bool{"fast": false, "slow": true} {
		p := wellPass(reused(desired.ComponentOpenSearch, class), func(p *status.Pass) {
			p.Service.Spec.OpenSearch.Managed = &v1alpha1.ManagedOpenSearch{StorageClassName: new("fast")}
		})
		c := meta.FindStatusCondition(status.Evaluate(p).Status.Conditions, v1alpha1.ConditionOpenSearchReady)
		if got := strings.Contains(c.Message, `its storage class is "slow" and not "fast"`); got != want {
			t.Errorf("of class %s: %s", class, c.Message)
		}
	}
}
