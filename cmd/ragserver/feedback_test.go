package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/backends"
)

// feedbackPage is what the tests read of GET feedback.
type feedbackPage struct {
	Feedback []struct {
		TraceID string `json:"trace_id"`
		Score   float64
		Comment string
		UserID  string `json:"user_id"`
	}
}

func feedbackOf(t *testing.T, url, key string) (page feedbackPage) {
	t.Helper()
	if status := (killClient{url: url, key: key}).send(t.Context(), http.MethodGet, "/feedback", "", &page); status != http.StatusOK {
		t.Fatalf("the list of feedback gave %d", status)
	}
	return page
}

// TestFeedbackOfAnAnswer: a caller judges the answer that it got, an administrator reads it, after a restart too; a damaged file of the feedback
// takes no document away, and the log says what became of it.
func TestFeedbackOfAnAnswer(t *testing.T) {
	dir, manifest := t.TempDir(), write(t, "m.yaml", strings.Replace(smallest, "spec: {", "spec: {logging: {logQueries: Full}, ", 1))
	r := startAlone(t, manifest, dir)
	admin, client := generatedKey(t, dir, "admin"), generatedKey(t, dir, "client")
	if status, _, body := r.post(t, "/api/v1/documents", admin, `{"id":"kites","text":"The red kite eats carrion."}`); status != http.StatusOK {
		t.Fatalf("%d %v", status, body)
	}
	_, _, answer := r.post(t, "/api/v1/ask", client, `{"query":"what does the red kite eat"}`)
	trace, _ := answer["trace_id"].(string)
	judgement := `{"trace_id":"` + trace + `","score":-0.5,"comment":"not only"}`
	if status, _, body := r.post(t, "/api/v1/feedback", client, judgement); status != http.StatusOK || body["comment_kept"] != true {
		t.Fatalf("%d %v", status, body)
	}
	for range 2 {
		all := feedbackOf(t, r.url, admin).Feedback
		if len(all) != 1 || all[0].TraceID != trace || all[0].Score != -0.5 || all[0].Comment != "not only" || all[0].UserID != "client" {
			t.Errorf("an administrator reads %+v", all)
		}
		r.end(t)
		r = startAlone(t, manifest, dir)
	}
	r.end(t)
	damaged := empty(t, filepath.Join(dir, "documents", "feedback", "store", "root.bolt"))
	r = startAlone(t, manifest, dir)
	if status, _, body := r.post(t, "/api/v1/search", client, `{"query":"kite"}`); status != http.StatusOK || body["total"] != 1.0 {
		t.Errorf("a search gave %d %v, want the document", status, body)
	}
	if all := feedbackOf(t, r.url, admin).Feedback; len(all) > 0 {
		t.Errorf("out of a damaged file: %+v", all)
	}
	r.end(t)
	for _, word := range []string{`"index_damaged"`, damaged, "feedback.damaged-"} {
		if log := r.output.String(); !strings.Contains(log, word) {
			t.Errorf("the log does not tell of %s: %s", word, log)
		}
	}
}

// TestFeedbackWhileOpenSearchIsDown is refused with advice, and taken again when it is back.
func TestFeedbackWhileOpenSearchIsDown(t *testing.T) {
	way := newFront(t, backends.OpenSearch(t), "_search")
	r, key := withOpenSearch(t, way)
	defer r.end(t)
	const judgement = `{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","score":1}`
	way.set(down)
	status, header, body := r.post(t, "/api/v1/feedback", key, judgement)
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q: %v", status, header.Get("Retry-After"), body)
	}
	way.set(healthy)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		status, _, body := r.post(t, "/api/v1/feedback", key, judgement)
		if status == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d %v", status, body)
		}
	}
	if all := feedbackOf(t, r.url, key).Feedback; len(all) != 1 || all[0].Score != 1 {
		t.Errorf("listed: %+v", all)
	}
}
