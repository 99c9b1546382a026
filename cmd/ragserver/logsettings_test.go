package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatIsToldOfAQueryChangesWithoutARestart: in the line of the request, and in that of a slow retrieval. Searches fail, since
// there is no OpenSearch; that takes longer than a nanosecond.
func TestWhatIsToldOfAQueryChangesWithoutARestart(t *testing.T) {
	t.Parallel()
	folder := newKeysFolder(t)
	folder.setKey("alice", firstKey)
	file := filepath.Join(t.TempDir(), "config.yaml")
	set := func(logging string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(strings.Replace(elsewhere, "{level: INFO}", logging, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set("{level: INFO}")
	r := keyed{startWith(t, noEnvironment, "--config", file, "--secrets-dir", folder.secrets), t}
	steps := []struct {
		logging    string
		hash, text bool
		slow       int
	}{
		{logging: "{level: INFO}", hash: true},
		{logging: "{level: INFO, logQueries: None, slowQueryThreshold: 1ns}", slow: 1},
		{logging: "{level: INFO, logQueries: Full, slowQueryThreshold: 1ns}", hash: true, text: true, slow: 1},
		{logging: "{level: INFO, logQueries: Hash, slowQueryThreshold: 1h}", hash: true},
	}
	for i, step := range steps {
		set(step.logging)
		r.eventually("it is not taken up", func() bool { return len(r.events("config_reloaded")) == i })
		slowBefore := len(r.events("slow_query"))
		r.post(t, "/api/v1/search", firstKey, `{"query":"canary question"}`)
		r.eventually("the request is not logged", func() bool { return len(r.events("request_completed")) == i+1 })
		told := r.events("slow_query")[slowBefore:]
		if len(told) != step.slow {
			t.Errorf("%s: %d slow queries, want %d", step.logging, len(told), step.slow)
		}
		for _, line := range append(told, r.events("request_completed")[i]) {
			hash, _ := line["query_hash"].(string)
			text, _ := line["query"].(string)
			if (hash != "") != step.hash || (text == "canary question") != step.text {
				t.Errorf("%s: %v tells %q and %q", step.logging, line["event"], hash, text)
			}
		}
		for _, slow := range told {
			if slow["level"] != "WARNING" || slow["code"] != "search_unavailable" || slow["user_id"] != "alice" || slow["search_mode"] != "keyword" {
				t.Errorf("%s: %v", step.logging, slow)
			}
		}
	}
	r.end(t)
	if n := strings.Count(r.output.String(), "canary question"); n != 2 { // Full: the request and its slow retrieval
		t.Errorf("the text is in %d lines", n)
	}
}

// TestWhatTheDailyVolumeLeavesOutIsTold: in a metric at once, and in the log when the server ends.
func TestWhatTheDailyVolumeLeavesOutIsTold(t *testing.T) {
	t.Parallel()
	folder := newKeysFolder(t)
	folder.setKey("alice", firstKey)
	file := write(t, "config.yaml", elsewhere)
	r := keyed{startWith(t, noEnvironment, "--config", file, "--secrets-dir", folder.secrets), t}
	if err := os.WriteFile(file, []byte(strings.Replace(elsewhere, "{level: INFO}", "{level: INFO, dailyVolumeLimit: 1}", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	metric := func(line string) func() bool {
		return func() bool { return strings.Contains(r.admin("/metrics"), line+"\n") }
	}
	r.eventually("it is not taken up", metric(`ragservice_config_reloads_total{outcome="applied"} 2`))
	r.post(t, "/api/v1/search", firstKey, `{"query":"kite"}`)
	r.eventually("no metric counts it", metric(`ragservice_log_lines_dropped_total{event="request_completed"} 1`))
	r.end(t)
	told := r.events("log_lines_dropped")
	if len(told) != 1 || len(r.events("request_completed")) != 0 {
		t.Fatalf("the log says %s", r.output)
	}
	if by, _ := told[0]["dropped_by_event"].(map[string]any); by["request_completed"] != 1.0 {
		t.Errorf("it tells %v", told[0])
	}
}
