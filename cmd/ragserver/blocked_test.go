package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// TestAnIndexThatTakesNoWritesIsTold to the operator, by a server that nobody asks to write: OpenSearch is up, and searches go on.
func TestAnIndexThatTakesNoWritesIsTold(t *testing.T) {
	t.Parallel()
	index := "blocked-" + strings.ToLower(rand.Text())
	keys := newKeysFolder(t)
	const key = "key-of-the-administrator-0123456789"
	keys.set("root", `{"key":"`+key+`","role":"admin"}`)
	settings := strings.NewReplacer(`"http://127.0.0.1:1"`, `"`+backends.OpenSearch(t)+`"`, "index: papers}}", "index: "+index+"}}").Replace(elsewhere)
	r := startWith(t, noEnvironment, "--config", write(t, "config.yaml", settings), "--secrets-dir", keys.secrets)
	defer r.end(t)
	upload(t, r, key)
	for _, blocked := range []bool{true, false} {
		body := `{"index.blocks.write": true}`
		if !blocked {
			body = `{"index.blocks.write": null}`
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, backends.OpenSearch(t)+"/"+index+"-*/_settings", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%v, %v", response, err)
		}
		_ = response.Body.Close()
		await(t, fmt.Sprintf("blocked is %t", blocked), func() bool { return r.statusz(t).OpenSearchBlocked == blocked })
		if s := r.statusz(t); s.OpenSearch != telemetry.DependencyUp || s.OpenSearchFault != "" {
			t.Errorf("while blocked is %t OpenSearch is %s %s", blocked, s.OpenSearch, s.OpenSearchFault)
		}
		if status, _, answer := r.post(t, "/api/v1/search", key, `{"query":"kite"}`); status != http.StatusOK {
			t.Errorf("while blocked is %t a search gets %d %v", blocked, status, answer)
		}
	}
}
