package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ragservice/ragservice-operator/test/proc"
)

// completion is the answer of a model that takes no time.
const completion = `{"id":"c","object":"chat.completion","created":1700000000,"model":"test-model",` +
	`"choices":[{"index":0,"message":{"role":"assistant","content":"An answer."},"finish_reason":"stop"}],` +
	`"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`

// TestPortkey prints how many cached questions a second are answered, beside Portkey before a model that answers at once. Portkey's cache is not
// in what its makers publish: its answers say that it is disabled, so that each request reaches the model.
func TestPortkey(t *testing.T) {
	ragserver, gateway := program(t), os.Getenv("RAGSERVICE_BENCH_PORTKEY")
	if gateway == "" {
		t.Skip("RAGSERVICE_BENCH_PORTKEY names no Portkey gateway: run `make bench`")
	}
	c := loadCorpus(t)
	c.documents = c.documents[:min(len(c.documents), 200)]
	s := startServer(t, ragserver, measured)
	s.upload(c)
	question, _ := s.typicalQuestion(c)
	model, portkey := bareServer(t, []byte(completion)), startPortkey(t, gateway)
	settings, err := json.Marshal(map[string]any{
		"provider": "openai", "api_key": "k", "custom_host": model + "/v1", "cache": map[string]string{"mode": "simple"},
	})
	if err != nil {
		t.Fatal(err)
	}
	chat := fmt.Sprintf(`{"model":"test-model","messages":[{"role":"user","content":%q}]}`, question)
	var peer, cached, bare load
	for range rounds {
		peer = peer.plus(wrk(t, portkey, keys["client"].Key, chat, roundLength, "x-portkey-config: "+string(settings)))
		cached = cached.plus(wrk(t, s.url+"/api/v1/ask", keys["client"].Key, askBody(t, question), roundLength))
		bare = bare.plus(wrk(t, model+"/v1/chat/completions", keys["client"].Key, chat, roundLength))
	}
	out := newTable(fmt.Sprintf("a repeated question; wrk, %s connections", connections), "", "requests/s", "of Portkey", "p50 ms", "p99 ms", "failed")
	add := func(name string, l load) {
		out.add(name, whole(l.perSecond()), fmt.Sprintf("%.1f times", l.perSecond()/peer.perSecond()),
			thousandths(l.P50), thousandths(l.P99), fmt.Sprint(l.Refused))
	}
	add("Portkey, before the model", peer)
	add("ragserver: ask, cached", cached)
	add("the model itself", bare)
	out.print(t)
}

// startPortkey starts the gateway and returns its chat endpoint.
func startPortkey(t *testing.T, gateway string) string {
	t.Helper()
	listen := loopback(t)
	t.Setenv("NODE_ENV", "production")
	p, err := proc.Start(filepath.Join(t.TempDir(), "log"), "node", gateway, "--port="+portOf(listen), "--headless")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.End(syscall.SIGTERM, stopTimeout) })
	await(t, p, "http://"+listen+"/")
	return "http://" + listen + "/v1/chat/completions"
}
