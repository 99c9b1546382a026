package status_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

func noAlerts(p *status.Pass) {
	a := &p.Service.Spec.Alerts
	for _, mode := range []*v1alpha1.AlertMode{&a.ErrorRate.Mode, &a.LatencyP95.Mode, &a.CacheHitRate.Mode, &a.LLMAvailability.Mode, &a.DiskUsage.Mode} {
		*mode = v1alpha1.AlertDisabled
	}
}

// asking is a service with a model, all of whose alerts have their defaults.
func asking() *v1alpha1.RAGService {
	rag := &v1alpha1.RAGService{}
	rag.Spec.Models.LLM.Provider = v1alpha1.LLMProviderOpenAI
	return rag
}

// inLast has edit concern the last minutes alone.
func inLast(minutes int64, edit func(*telemetry.Minute)) func(*telemetry.Minute) {
	return func(m *telemetry.Minute) {
		if m.Minute >= nowMinute-minutes {
			edit(m)
		}
	}
}

func ago(minutes int64) metav1.Time { return metav1.NewTime(time.Unix((nowMinute-minutes)*60, 0)) }

func slow(m *telemetry.Minute)     { m.Latency = []int64{13: 90, 14: 10} } // a tenth took 5 s to 7.5 s
func misses(m *telemetry.Minute)   { m.Hits, m.Misses = 40, 60 }
func unasked(m *telemetry.Minute)  { m.ModelFailures = 2 }
func fullDisk(m *telemetry.Minute) { m.DiskPercent = 83 }

func TestAlerts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		edit func(*telemetry.Minute)
		spec func(*v1alpha1.AlertsSpec)
		want []v1alpha1.AlertStatus
	}{
		{name: "all is well", edit: func(*telemetry.Minute) {}},
		{name: "requests fail", edit: inLast(7, failing), want: []v1alpha1.AlertStatus{{Name: "ErrorRate", Since: ago(5), Value: "20%", Threshold: "5%"}}},
		{name: "requests fail for less than 5 minutes", edit: inLast(6, failing)},
		{name: "requests fail for long", edit: inLast(20, failing), want: []v1alpha1.AlertStatus{{Name: "ErrorRate", Since: ago(18), Value: "20%", Threshold: "5%"}}},
		{name: "requests failed before", edit: func(m *telemetry.Minute) {
			if m.Minute < nowMinute-5 {
				failing(m)
			}
		}},
		{name: "one minute fails wholly", edit: func(m *telemetry.Minute) {
			if m.Minute == nowMinute-3 {
				m.Errors = m.Requests
			}
		}},
		{name: "few requests fail", edit: func(m *telemetry.Minute) { *m = telemetry.Minute{Minute: m.Minute, Requests: 3, Errors: 3} }},
		{name: "as many requests fail as may", edit: func(m *telemetry.Minute) { m.Errors = 5 }},
		{name: "at once", edit: inLast(1, failing), spec: func(s *v1alpha1.AlertsSpec) { s.ErrorRate.For, s.ErrorRate.Percent = "0s", new(int32(3)) },
			want: []v1alpha1.AlertStatus{{Name: "ErrorRate", Since: ago(0), Value: "5%", Threshold: "3%"}}},
		{name: "after half an hour", edit: inLast(32, failing), spec: func(s *v1alpha1.AlertsSpec) { s.ErrorRate.For = "30m" },
			want: []v1alpha1.AlertStatus{{Name: "ErrorRate", Since: ago(30), Value: "20%", Threshold: "5%"}}},
		{name: "shortly before half an hour", edit: inLast(31, failing), spec: func(s *v1alpha1.AlertsSpec) { s.ErrorRate.For = "30m" }},
		{name: "disabled", edit: failing, spec: func(s *v1alpha1.AlertsSpec) { s.ErrorRate.Mode = v1alpha1.AlertDisabled }},
		{name: "a higher threshold", edit: failing, spec: func(s *v1alpha1.AlertsSpec) { s.ErrorRate.Percent = new(int32(20)) }},
		{name: "slow", edit: slow, want: []v1alpha1.AlertStatus{{Name: "LatencyP95", Since: ago(34), Value: "6.5s", Threshold: "5s"}}},
		{name: "a threshold of milliseconds", edit: func(*telemetry.Minute) {}, spec: func(s *v1alpha1.AlertsSpec) { s.LatencyP95.Threshold = "200ms" },
			want: []v1alpha1.AlertStatus{{Name: "LatencyP95", Since: ago(34), Value: "260ms", Threshold: "200ms"}}},
		{name: "little is cached", edit: misses, want: []v1alpha1.AlertStatus{{Name: "CacheHitRate", Since: ago(34), Value: "40%", Threshold: "50%"}}},
		{name: "the model fails", edit: unasked, want: []v1alpha1.AlertStatus{{Name: "LLMAvailability", Since: ago(34), Value: "90%", Threshold: "95%"}}},
		{name: "a full disk, without requests", edit: func(m *telemetry.Minute) { *m = telemetry.Minute{Minute: m.Minute, DiskPercent: 83} },
			want: []v1alpha1.AlertStatus{{Name: "DiskUsage", Since: ago(34), Value: "85%", Threshold: "80%"}}},
		{name: "all at once", edit: func(m *telemetry.Minute) {
			for _, edit := range []func(*telemetry.Minute){failing, slow, misses, unasked, fullDisk} {
				edit(m)
			}
		}, want: []v1alpha1.AlertStatus{
			{Name: "ErrorRate", Since: ago(34), Value: "20%", Threshold: "5%"}, {Name: "LatencyP95", Since: ago(34), Value: "6.5s", Threshold: "5s"},
			{Name: "CacheHitRate", Since: ago(34), Value: "40%", Threshold: "50%"},
			{Name: "LLMAvailability", Since: ago(34), Value: "90%", Threshold: "95%"}, {Name: "DiskUsage", Since: ago(34), Value: "85%", Threshold: "80%"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rag := asking()
			if c.spec != nil {
				c.spec(&rag.Spec.Alerts)
			}
			traffic := counted(39, c.edit)
			firing, judged := status.Alerts(rag, nil, traffic)
			if diff := cmp.Diff(c.want, firing); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if wantJudged := traffic.Minutes[38].Requests >= 20; judged != wantJudged {
				t.Errorf("judged %t, want %t", judged, wantJudged)
			}
		})
	}
}

// TestAlertsOfWhatIsNotUsed: a service without a model has no availability of it, one without a cache no hit rate.
func TestAlertsOfWhatIsNotUsed(t *testing.T) {
	t.Parallel()
	rag := asking()
	rag.Spec.Models.LLM.Provider, rag.Spec.Cache.Enabled = v1alpha1.LLMProviderExtractive, new(false)
	firing, _ := status.Alerts(rag, nil, counted(39, func(m *telemetry.Minute) { misses(m); unasked(m) }))
	if len(firing) > 0 {
		t.Errorf("%v", firing)
	}
}

// TestAlertHysteresis lets an exact rate wander, each step for long, and follows what fires and what is shown.
func TestAlertHysteresis(t *testing.T) {
	t.Parallel()
	var firing []v1alpha1.AlertStatus
	for i, step := range []struct {
		errors int64
		shown  string
	}{{5, ""}, {6, "10%"}, {5, "5%"}, {9, "5%"}, {10, "10%"}, {14, "10%"}, {6, "10%"}, {5, "5%"}, {4, ""}, {5, ""}, {100, "100%"}, {0, ""}} {
		firing, _ = status.Alerts(asking(), firing, counted(39, func(m *telemetry.Minute) { m.Errors = step.errors }))
		shown := ""
		if len(firing) > 0 {
			shown = firing[0].Value
		}
		if shown != step.shown {
			t.Errorf("step %d: %d %% shown as %q, want %q", i, step.errors, shown, step.shown)
		}
	}
}

// TestWhatClearsEachAlert: at its threshold it stays, and nearer to the good end it is over.
func TestWhatClearsEachAlert(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           v1alpha1.AlertName
		value          string
		stays, cleared func(*telemetry.Minute)
	}{
		{"ErrorRate", "5%", func(m *telemetry.Minute) { m.Errors = 5 }, func(m *telemetry.Minute) { m.Errors = 4 }},
		{"LatencyP95", "5s", func(m *telemetry.Minute) { m.Latency = []int64{13: 100} }, func(m *telemetry.Minute) { m.Latency = []int64{12: 100} }},
		{"CacheHitRate", "50%", func(m *telemetry.Minute) { m.Hits, m.Misses = 54, 46 }, func(m *telemetry.Minute) { m.Hits, m.Misses = 55, 45 }},
		{"LLMAvailability", "95%", func(m *telemetry.Minute) { m.ModelCalls, m.ModelFailures = 100, 5 },
			func(m *telemetry.Minute) { m.ModelCalls, m.ModelFailures = 100, 4 }},
		{"DiskUsage", "80%", func(m *telemetry.Minute) { m.DiskPercent = 76 }, func(m *telemetry.Minute) { m.DiskPercent = 75 }},
	} {
		before := []v1alpha1.AlertStatus{{Name: c.name, Since: ago(100), Value: c.value, Threshold: c.value}}
		if firing, _ := status.Alerts(asking(), before, counted(39, c.stays)); !cmp.Equal(before, firing) {
			t.Errorf("%s: %v, want %v", c.name, firing, before)
		}
		if firing, _ := status.Alerts(asking(), before, counted(39, c.cleared)); len(firing) > 0 {
			t.Errorf("%s: %v, want none", c.name, firing)
		}
	}
}

// TestAlertsStayWhileSomethingIsMissing: minutes of which a server's counts are not known neither raise nor clear an alert.
func TestAlertsStayWhileSomethingIsMissing(t *testing.T) {
	t.Parallel()
	fires := []v1alpha1.AlertStatus{{Name: "ErrorRate", Since: ago(100), Value: "20%", Threshold: "5%"}}
	silent := func(m *telemetry.Minute) { *m = telemetry.Minute{Minute: m.Minute} }
	for _, c := range []struct {
		name   string
		before []v1alpha1.AlertStatus
		edit   func(*telemetry.Minute)
		known  int64 // minutes
		want   int
	}{
		{"requests fail, ten minutes are known", nil, failing, 10, 1},
		{"requests fail, nine are known", nil, failing, 9, 0},
		{"all is well again, five minutes are known", fires, func(*telemetry.Minute) {}, 5, 0},
		{"all is well again, four are known", fires, func(*telemetry.Minute) {}, 4, 1},
		{"nobody asks for half an hour", fires, silent, 30, 0},
		{"nobody asks, and of half an hour a minute is not known", fires, silent, 29, 1},
		{"nobody has asked for less than half an hour", fires, inLast(29, silent), 39, 1},
		{"nobody answers", fires, func(*telemetry.Minute) {}, 0, 1},
	} {
		traffic := counted(39, c.edit)
		traffic.Since = nowMinute - c.known
		if firing, _ := status.Alerts(asking(), c.before, traffic); len(firing) != c.want {
			t.Errorf("%s: %v, want %d", c.name, firing, c.want)
		}
	}
}

// TestAlertProperties: what raises an alert does not clear it, worse traffic raises it too, and a second look changes nothing.
func TestAlertProperties(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	raised := 0
	for range 2000 {
		bad := random.IntN(25)
		traffic := counted(39, func(m *telemetry.Minute) {
			m.Requests = random.Int64N(60)
			m.Errors = min(m.Requests, random.Int64N(int64(bad)+1))
			m.Misses = random.Int64N(40 * int64(bad+1))
		})
		first, _ := status.Alerts(asking(), nil, traffic)
		second, _ := status.Alerts(asking(), first, traffic)
		if diff := cmp.Diff(first, second); diff != "" {
			t.Fatalf("a second look (-first +second):\n%s\nat %+v", diff, traffic)
		}
		worse := traffic
		worse.Minutes = slices.Clone(traffic.Minutes)
		for i := range worse.Minutes {
			worse.Minutes[i].Errors += random.Int64N(worse.Minutes[i].Requests - worse.Minutes[i].Errors + 1)
			worse.Minutes[i].Misses += random.Int64N(10)
		}
		now, _ := status.Alerts(asking(), nil, worse)
		for _, a := range first {
			raised++
			if !slices.ContainsFunc(now, func(b v1alpha1.AlertStatus) bool { return b.Name == a.Name && !a.Since.Time.Before(b.Since.Time) }) {
				t.Fatalf("%s is raised, and by worse traffic is not, or later: %v", a.Name, now)
			}
		}
	}
	if raised < 200 {
		t.Errorf("only %d alerts were raised", raised)
	}
}

func TestAlertEvents(t *testing.T) {
	t.Parallel()
	told := func(p status.Pass) (all []string) {
		for _, e := range status.Evaluate(p).Events {
			all = append(all, e.Type+" "+e.Action+"="+e.Reason+": "+e.Message)
		}
		return all
	}
	p := wellPass(counts(failing))
	if diff := cmp.Diff([]string{"Warning AlertsClear=AlertFiring: ErrorRate is at 20%: more than 5% of requests fail"}, told(p)); diff != "" {
		t.Errorf("when it fires:\n%s", diff)
	}
	p.Service.Status = status.Evaluate(p).Status
	if again := told(p); again != nil {
		t.Errorf("while it fires: %q", again)
	}
	counts(func(*telemetry.Minute) {})(&p)
	if diff := cmp.Diff([]string{"Normal AlertsClear=AlertCleared: ErrorRate is no longer beyond its threshold, or no longer judged"}, told(p)); diff != "" {
		t.Errorf("when it is over:\n%s", diff)
	}
}

// TestValuesOfAlertsWaitAMinute, as other numbers do; an alert more does not.
func TestValuesOfAlertsWaitAMinute(t *testing.T) {
	t.Parallel()
	p := wellPass(counts(failing))
	p.Service.Status = status.Evaluate(p).Status
	p.NumbersWritten = p.Now.Add(-20 * time.Second)
	counts(func(m *telemetry.Minute) { m.Errors = 50 })(&p)
	if verdict := status.Evaluate(p); verdict.Status.Alerts[0].Value != "20%" || verdict.RecheckAfter != 40*time.Second {
		t.Errorf("%+v, recheck after %s", verdict.Status.Alerts, verdict.RecheckAfter)
	}
	counts(func(m *telemetry.Minute) { m.Errors = 50; slow(m) })(&p)
	if alerts := status.Evaluate(p).Status.Alerts; len(alerts) != 2 || alerts[0].Value != "50%" {
		t.Errorf("beside another alert: %+v", alerts)
	}
}
