package status_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	judge "github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// TestWhatToolsSay is what those who wait for a service make of it: kubectl wait (Ready), Flux and others (kstatus, which
// heeds observedGeneration) and Argo CD (docs/argocd/health.lua).
func TestWhatToolsSay(t *testing.T) {
	t.Parallel()
	llmSecret := desired.SecretProblem{Field: "spec.models.llm.apiKeySecretRef", Secret: "llm", Key: "token", Reason: v1alpha1.ReasonSecretNotFound}
	for _, c := range []struct {
		name                string
		changes             []change
		ready, flux, argoCD string
	}{
		{"all is well", nil, "True", "Current", "Healthy"},
		{"no server is wanted", []change{noServers}, "True", "Current", "Healthy"},
		{"it is suspended and answers", []change{suspended}, "True", "Current", "Suspended"},
		{"it is suspended and does not run", []change{suspended, missing(desired.ComponentOpenSearch)}, "False", "InProgress", "Suspended"},
		{"first install", []change{
			neverSeen, notPolled, noServerAnswers, unready(desired.ComponentOpenSearch), unready(desired.ComponentRedisCache),
		}, "False", "InProgress", "Progressing"},
		{"a spec that nobody has looked at", []change{newSpec, inputsUnread, fault("", v1alpha1.ReasonReconcileFailed)},
			"False", "InProgress", "Progressing"},
		{"scaling", []change{func(p *judge.Pass) { p.State.Replicas = 3 }}, "True", "InProgress", "Progressing"},
		{"a bad image beside running pods", []change{
			workload(desired.ComponentServer, func(w *judge.Workload) { w.Replicas, w.UpdatedReplicas = 3, 1 }),
			diagnosed(desired.ComponentServer, "p", "server", judge.ReasonImagePullBackOff),
		}, "True", "InProgress", "Progressing"},
		{"a drain takes one of two servers", []change{unready(desired.ComponentServer)}, "True", "InProgress", "Progressing"},
		{"a roll", []change{workload(desired.ComponentServer, func(w *judge.Workload) { w.Replicas, w.UpdatedReplicas = 3, 1 })},
			"True", "InProgress", "Progressing"},
		{"one server misses a poll", []change{func(p *judge.Pass) { p.Observed.Poll.Reports = p.Observed.Poll.Reports[:1] }},
			"True", "Current", "Healthy"},
		{"the operator has no network", []change{nobodyAnswers}, "True", "Current", "Healthy"},
		{"a setting is on its way", []change{wants(newHash)}, "True", "InProgress", "Progressing"},
		{"a caller's key is none", []change{func(p *judge.Pass) { p.Secrets.Problems = []desired.SecretProblem{badKey} }},
			"True", "Current", "Healthy"},
		{"a Secret is missing", []change{secretProblem(llmSecret)}, "False", "InProgress", "Progressing"},
		{"a Secret is missing for two minutes", []change{secretProblem(llmSecret), since("SecretsResolved", 2*time.Minute)},
			"False", "Failed", "Degraded"},
		{"a quota refuses the servers", []change{noServerAnswers, refused(desired.ComponentServer, v1alpha1.ReasonQuotaExceeded)},
			"False", "InProgress", "Degraded"},
		{"every server keeps ending", []change{noServerAnswers, diagnosed(desired.ComponentServer, "p", "server", judge.ReasonCrashLoopBackOff)},
			"False", "InProgress", "Degraded"},
		{"OpenSearch is down", []change{unready(desired.ComponentOpenSearch)}, "False", "InProgress", "Progressing"},
		{"OpenSearch is down for ten minutes", []change{unready(desired.ComponentOpenSearch), downFor("OpenSearchReady", 10*time.Minute)},
			"False", "InProgress", "Degraded"},
		{"OpenSearch cannot be reached", []change{noServerReady(telemetry.FaultDNS)}, "False", "InProgress", "Degraded"},
		{"Redis is down", []change{unready(desired.ComponentRedisState)}, "True", "InProgress", "Progressing"},
		{"an object of somebody else is in the way", []change{fault(desired.ComponentServer, v1alpha1.ReasonNameConflict)},
			"False", "Failed", "Degraded"},
		{"it is being deleted", []change{func(p *judge.Pass) { p.Service.DeletionTimestamp = &metav1.Time{Time: start} }},
			"False", "Terminating", "Progressing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := wellPass(c.changes...)
			object := asTools(t, p.Service, judge.Evaluate(p).Status)
			for _, e := range judge.Evaluate(p).Events {
				if c.ready == "True" && e.Type == "Warning" && e.Action != v1alpha1.ConditionSecretsResolved {
					t.Errorf("a service that answers is warned of: %s=%s", e.Action, e.Reason)
				}
			}
			if got := string(condition(judge.Evaluate(p).Status, "Ready").Status); got != c.ready {
				t.Errorf("Ready %s, want %s", got, c.ready)
			}
			flux, err := status.Compute(object)
			if err != nil {
				t.Fatal(err)
			}
			if string(flux.Status) != c.flux {
				t.Errorf("kstatus %s (%s), want %s", flux.Status, flux.Message, c.flux)
			}
			if got := argoCD(t, object.Object); got != c.argoCD {
				t.Errorf("Argo CD %s, want %s", got, c.argoCD)
			}
		})
	}
}

// downFor has a part be starting for d already.
func downFor(conditionType string, d time.Duration) change {
	return func(p *judge.Pass) {
		since(conditionType, d)(p)
		for i, c := range p.Service.Status.Conditions {
			if c.Type == conditionType {
				p.Service.Status.Conditions[i].Reason = v1alpha1.ReasonProgressing
			}
		}
	}
}

// asTools is a RAGService as the API server shows it.
func asTools(t *testing.T, service *v1alpha1.RAGService, s v1alpha1.RAGServiceStatus) *unstructured.Unstructured {
	t.Helper()
	service = service.DeepCopy()
	service.APIVersion, service.Kind, service.Status = "ragservice.dev/v1alpha1", "RAGService", s
	text, err := json.Marshal(service)
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return object
}

// argoCD runs the health script as Argo CD does: the object is the global obj, the answer a table with a status.
func argoCD(t *testing.T, object map[string]any) string {
	t.Helper()
	script, err := os.ReadFile("../../docs/argocd/health.lua")
	if err != nil {
		t.Fatal(err)
	}
	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer l.Close()
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		l.Push(l.NewFunction(open))
		l.Push(lua.LString(name))
		l.Call(1, 0)
	}
	l.SetGlobal("obj", toLua(l, object))
	if err := l.DoString(string(script)); err != nil {
		t.Fatal(err)
	}
	answer, isTable := l.Get(-1).(*lua.LTable)
	if !isTable || l.GetField(answer, "message") == lua.LNil {
		t.Fatalf("the script answers %v, want a table with status and message", l.Get(-1))
	}
	return l.GetField(answer, "status").String()
}

func toLua(l *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case map[string]any:
		table := l.NewTable()
		for key, each := range v {
			table.RawSetString(key, toLua(l, each))
		}
		return table
	case []any:
		table := l.NewTable()
		for _, each := range v {
			table.Append(toLua(l, each))
		}
		return table
	case string:
		return lua.LString(v)
	case bool:
		return lua.LBool(v)
	case int64:
		return lua.LNumber(v)
	case float64:
		return lua.LNumber(v)
	default:
		return lua.LNil
	}
}
