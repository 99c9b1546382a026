package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/localstore"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	feedback   = "/api/v1/feedback"
	ratedTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
)

// judged keeps feedback in a real store.
func judged(f *fixture) {
	store, err := localstore.Open(localstore.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = store.Close() })
	f.service.feedback = store
}

// full lets the log tell of queries in full.
func full(f *fixture) { f.config.Logging.LogQueries = config.LogQueriesFull }

func (f *fixture) judge(t *testing.T, body string, headers ...string) map[string]any {
	t.Helper()
	got := f.call("POST", feedback, body, headers...)
	if got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	return got.fields(t, "trace_id")
}

// listed is the feedback of an administrator's page, without its times.
func (f *fixture) listed(t *testing.T, query, key string) (all []map[string]any, next string) {
	t.Helper()
	got := f.call("GET", feedback+query, "", "X-API-Key: "+key)
	var page struct {
		Feedback   []map[string]any
		NextCursor string `json:"next_cursor"`
		TraceID    string `json:"trace_id"`
	}
	if got.decode(t, &page); got.status != http.StatusOK || page.TraceID == "" || page.Feedback == nil {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for _, each := range page.Feedback {
		at, err := time.Parse(time.RFC3339, fmt.Sprint(each["created_at"]))
		if err != nil || time.Since(at).Abs() > time.Hour || !strings.HasSuffix(fmt.Sprint(each["created_at"]), "Z") {
			t.Errorf("created_at is %v, %v", each["created_at"], err)
		}
		delete(each, "created_at")
	}
	return page.Feedback, page.NextCursor
}

// TestFeedbackIsKept for administrators of the caller's tenant, with its comment where the log may tell of queries in full alone.
func TestFeedbackIsKept(t *testing.T) {
	for name, test := range map[string]struct {
		options []option
		comment string
	}{
		"hashes": {[]option{judged}, ""},
		"none":   {[]option{judged, func(f *fixture) { f.config.Logging.LogQueries = config.LogQueriesNone }}, ""},
		"full":   {[]option{judged, full}, "canary: <b>no</b>"},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, test.options...)
			if all, next := f.listed(t, "", tenantKey); len(all) > 0 || next != "" {
				t.Errorf("before any: %v %q", all, next)
			}
			told := f.judge(t, `{"trace_id":"`+ratedTrace+`","score":-0.5,"comment":" canary: <b>no</b>\n"}`)
			if diff := cmp.Diff(map[string]any{"comment_kept": test.comment != ""}, told); diff != "" {
				t.Error(diff)
			}
			want := []map[string]any{{"trace_id": ratedTrace, "score": -0.5, "comment": test.comment, "user_id": "alice"}}
			all, next := f.listed(t, "", tenantKey)
			if diff := cmp.Diff(want, all); diff != "" || next != "" {
				t.Errorf("%q %s", next, diff)
			}
			if all, _ := f.listed(t, "?tenant=acme", adminKey); len(all) != 1 {
				t.Errorf("the administrator of all tenants sees %v", all)
			}
			if all, _ := f.listed(t, "", adminKey); len(all) > 0 {
				t.Errorf("another tenant sees %v", all)
			}
			if log := f.log.String(); strings.Contains(log, "canary") || !strings.Contains(log, fmt.Sprintf(
				`"event":"feedback_received","trace_id":%q,"user_id":"alice","rated_trace_id":%q,"score":-0.5,"comment_kept":%t}`,
				f.traceOf(t, log), ratedTrace, test.comment != "")) {
				t.Errorf("the log: %s", log)
			}
		})
	}
}

// traceOf is the trace of the request that gave feedback.
func (f *fixture) traceOf(t *testing.T, log string) string {
	t.Helper()
	_, rest, found := strings.Cut(log, `"event":"feedback_received","trace_id":"`)
	if !found || len(rest) < 32 {
		t.Fatalf("no feedback_received in %s", log)
	}
	return rest[:32]
}

// TestFeedbackWithoutAComment keeps none, and says so.
func TestFeedbackWithoutAComment(t *testing.T) {
	f := start(t, judged, full)
	for _, body := range []string{`"score":1`, `"score":1,"comment":null`, `"score":1,"comment":" "`} {
		if told := f.judge(t, `{"trace_id":"`+ratedTrace+`",`+body+`}`); told["comment_kept"] != false {
			t.Errorf("%s: %v", body, told)
		}
	}
}

// TestPagesOfFeedback: the newest first, each once; a caller's last word on an answer counts alone.
func TestPagesOfFeedback(t *testing.T) {
	f := start(t, judged)
	for n := range 25 {
		f.judge(t, fmt.Sprintf(`{"trace_id":"%032x","score":0}`, n+1))
	}
	f.judge(t, fmt.Sprintf(`{"trace_id":"%032x","score":1}`, 1))
	f.judge(t, fmt.Sprintf(`{"trace_id":"%032x","score":-1}`, 1), "X-API-Key: "+tenantKey)
	if first, next := f.listed(t, "", tenantKey); len(first) != rag.FeedbackPage || next == "" {
		t.Errorf("without a limit: %d, and then %q", len(first), next)
	}
	seen := map[string]int{}
	pages := 0
	for query := "?limit=10"; ; {
		all, next := f.listed(t, query, tenantKey)
		query = "?limit=10&cursor=" + next
		pages++
		for _, each := range all {
			seen[fmt.Sprint(each["trace_id"], each["user_id"], each["score"])]++
		}
		if next == "" {
			break
		}
	}
	if len(seen) != 26 || pages != 3 || seen[fmt.Sprintf("%032xalice1", 1)] != 1 || seen[fmt.Sprintf("%032xacme-admin-1", 1)] != 1 {
		t.Errorf("%d pages show %v", pages, seen)
	}
	if all, next := f.listed(t, "?limit=100", tenantKey); len(all) != 26 || next != "" {
		t.Errorf("one page shows %d, and then %q", len(all), next)
	}
}

// TestBadFeedback: what is not valid is refused by name, in the order of the request, takes nothing from the limit and counts nowhere.
func TestBadFeedback(t *testing.T) {
	f := start(t, judged, func(f *fixture) {
		f.config.RateLimits.Limits = []config.Limit{{Endpoint: "feedback", Tier: "free", RequestsPerMinute: 5, Burst: 5, Cost: 1}}
	})
	const (
		invalid = "validation_failed"
		rated   = `{"trace_id":"` + ratedTrace + `","score":`
		good    = rated + "1}"
	)
	for name, test := range map[string]struct {
		method, query, body, key string
		status                   int
		code                     string
		fields                   []string
	}{
		"nothing":         {"POST", "", `{}`, clientKey, 422, invalid, []string{"trace_id", "score"}},
		"null":            {"POST", "", `{"trace_id":null,"score":null}`, clientKey, 422, invalid, []string{"trace_id", "score"}},
		"unknown field":   {"POST", "", rated + `1,"stars":5}`, clientKey, 422, invalid, []string{"stars"}},
		"types":           {"POST", "", `{"comment":1,"score":"1","trace_id":2}`, clientKey, 422, invalid, []string{"comment", "score", "trace_id"}},
		"values":          {"POST", "", `{"comment":"\u0000","score":2,"trace_id":"x"}`, clientKey, 422, invalid, []string{"comment", "score", "trace_id"}},
		"huge score":      {"POST", "", rated + `1e999}`, clientKey, 422, invalid, []string{"score"}},
		"parameter":       {"POST", "?limit=1", good, clientKey, 422, invalid, []string{"limit"}},
		"not JSON":        {"POST", "", `{`, clientKey, 400, "malformed_json", nil},
		"no key":          {"POST", "", good, "", 401, "unauthorized", nil},
		"list of clients": {"GET", "", "", clientKey, 403, "forbidden", nil},
		"cursor":          {"GET", "?cursor=x", "", adminKey, 422, invalid, []string{"cursor"}},
		"limit":           {"GET", "?limit=101", "", adminKey, 422, invalid, []string{"limit"}},
		"no limit":        {"GET", "?limit=", "", adminKey, 422, invalid, []string{"limit"}},
		"limit of words":  {"GET", "?cursor=x&limit=ten", "", adminKey, 422, invalid, []string{"cursor", "limit"}},
	} {
		got := f.call(test.method, feedback+test.query, test.body, "X-API-Key: "+test.key)
		code, fields := got.errorOf(t)
		if diff := cmp.Diff(test.fields, fields); got.status != test.status || code != test.code || diff != "" {
			t.Errorf("%s: %d %s, want %d %s: %s", name, got.status, code, test.status, test.code, diff)
		}
	}
	if got := f.call("POST", feedback, good); got.status != 200 || got.header.Get("X-RateLimit-Remaining") != "4" {
		t.Errorf("%d, with %s left of 5", got.status, got.header.Get("X-RateLimit-Remaining"))
	}
	if all, _ := f.listed(t, "?tenant=acme", adminKey); len(all) != 1 {
		t.Errorf("kept: %v", all)
	}
	wantVerdicts(t, f, 1, 0, 0)
}

// wantVerdicts wants the metric to have counted so many.
func wantVerdicts(t *testing.T, f *fixture, positive, neutral, negative int) {
	t.Helper()
	var metrics strings.Builder
	writeMetrics(t, f, &metrics)
	for verdict, n := range map[string]int{"positive": positive, "neutral": neutral, "negative": negative} {
		if want := fmt.Sprintf("ragservice_feedback_total{verdict=%q} %d\n", verdict, n); !strings.Contains(metrics.String(), want) {
			t.Errorf("no %s", want)
		}
	}
}

// TestFeedbackIsCounted in the metrics, and in the figures of the caller's tenant.
func TestFeedbackIsCounted(t *testing.T) {
	f := start(t, judged)
	for n, score := range []string{"1", "0.25", "0", "-0", "-1"} {
		f.judge(t, fmt.Sprintf(`{"trace_id":"%032x","score":%s}`, n+1, score))
	}
	f.judge(t, fmt.Sprintf(`{"trace_id":"%032x","score":1}`, 1), asAdmin)
	wantVerdicts(t, f, 3, 2, 1)
	for path, want := range map[string]string{
		"/api/v1/stats":               `{"positive":2,"neutral":2,"negative":1,"mean_score":0.05}`,
		"/api/v1/stats?scope=service": `{"positive":2,"neutral":2,"negative":1,"mean_score":0.05}`,
	} {
		got := f.call("GET", path, "").fields(t)
		for _, length := range []string{"since_start", "last_5_minutes"} {
			if diff := cmp.Diff(parse(t, want), got[length].(map[string]any)["feedback"]); diff != "" {
				t.Errorf("%s %s: %s", path, length, diff)
			}
		}
	}
	none := parse(t, `{"positive":0,"neutral":0,"negative":0,"mean_score":null}`)
	got := f.call("GET", "/api/v1/stats?tenant=other", "", asAdmin).fields(t)
	if diff := cmp.Diff(none, got["since_start"].(map[string]any)["feedback"]); diff != "" {
		t.Errorf("another tenant: %s", diff)
	}
}

// TestFeedbackWhileTheStoreIsDown is refused as searches are, and counts nowhere.
func TestFeedbackWhileTheStoreIsDown(t *testing.T) {
	f := start(t, judged)
	if err := f.service.feedback.(*localstore.Store).Close(); err != nil {
		t.Fatal(err)
	}
	for _, got := range []reply{
		f.call("POST", feedback, `{"trace_id":"`+ratedTrace+`","score":1}`), f.call("GET", feedback, "", asAdmin),
	} {
		if code, _ := got.errorOf(t); got.status != 503 || code != "search_unavailable" || got.header.Get("Retry-After") == "" {
			t.Errorf("%d %s, Retry-After %q, want 503 search_unavailable", got.status, code, got.header.Get("Retry-After"))
		}
	}
	wantVerdicts(t, f, 0, 0, 0)
	if strings.Contains(f.log.String(), "feedback_received") {
		t.Error("the log tells of feedback that was lost")
	}
}
