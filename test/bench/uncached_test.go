package bench

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// withModel is the service that is measured, with a model in place of Extractive, and further settings of it.
func withModel(baseURL string, settings ...string) string {
	llm := append([]string{"provider: OpenAI", fmt.Sprintf("baseURL: %q", baseURL), "model: test-model"}, settings...)
	return strings.Replace(measured, "{provider: Extractive}", "{"+strings.Join(llm, ", ")+"}", 1)
}

const (
	// asks are measured, after some that are not.
	asks, warmUps = 300, 50
	// asked marks a question as one that was not asked before, direct what is asked of OpenSearch again in its place. Both are one word.
	asked, direct = "asked%06d", "again%06d"
)

// TestUncached prints the time of questions that no cache knows, one after another, and what of it OpenSearch, the model and Redis take
// when they are asked the same without the server. What is left the server adds.
func TestUncached(t *testing.T) {
	c := loadCorpus(t)
	model := openaitest.New(t)
	model.Answer(func(openaitest.ChatRequest) string { return "It was measured [1]." })
	search := newFront(t, backends.OpenSearch(t))
	s := startServer(t, program(t), withModel(model.BaseURL()), func(cfg *config.Config) { cfg.Stores.OpenSearch.URLs = []string{search.URL} })
	s.upload(c)
	state, cache := client(t, s.state), client(t, s.cache)

	var whole, inSearch, inModel, inTrip, added []time.Duration
	searches, models := 0, 0 // models: requests to the model so far
	var before map[string]int
	var cpu usage
	for i := range warmUps + asks {
		if i == warmUps {
			before, cpu, searches = commands(t, state, cache), s.usage(), 0
		}
		search.took()
		mark := fmt.Sprintf(asked, i)
		question := c.questions[i%len(c.questions)] + " " + mark
		all := timed(func() {
			if _, header := s.ask(question); header.Get("X-Cache") != "MISS" {
				t.Fatalf("a new question has X-Cache %q", header.Get("X-Cache"))
			}
		})
		var found, written time.Duration
		for _, e := range search.took() {
			if bytes.Contains(e.body, []byte(mark)) {
				searches++
				e.body = bytes.ReplaceAll(e.body, []byte(mark), fmt.Appendf(nil, direct, i))
				found += timed(func() { s.replay(search.URL, e) })
			}
		}
		for _, r := range model.Requests(openaitest.Chat)[models:] {
			written += timed(func() {
				s.replay(strings.TrimSuffix(model.BaseURL(), "/v1"), exchange{http.MethodPost, "/v1/chat/completions", r.Header, r.Body})
			})
		}
		models = model.Count(openaitest.Chat)
		trip := timed(func() { _ = state.Ping(t.Context()).Err() })
		if i >= warmUps {
			whole, inSearch, inModel, inTrip = append(whole, all), append(inSearch, found), append(inModel, written), append(inTrip, trip)
			added = append(added, all-found-written-serialTrips*trip)
		}
	}
	out := newTable(fmt.Sprintf("%d questions that no cache knows, one after another, with %d searches", asks, searches),
		"", "p50 ms", "p90 ms")
	for _, row := range []struct {
		name  string
		times []time.Duration
	}{
		{"ask, not cached", whole}, {"OpenSearch, asked the same", inSearch}, {"the model, asked the same", inModel},
		{"a trip to Redis (PING)", inTrip}, {fmt.Sprintf("what the server adds (less %d trips)", serialTrips), added},
	} {
		slices.Sort(row.times)
		out.add(row.name, milliseconds(row.times[len(row.times)/2]), milliseconds(row.times[len(row.times)*9/10]))
	}
	out.print(t)
	fmt.Printf("the server's processor time: %.2f ms an ask\n", s.usage().since(cpu).cpuSeconds*1e3/asks)
	after := commands(t, state, cache)
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if n := after[name] - before[name]; n > asks/10 {
			fmt.Printf("%s: %.2f an ask\n", name, float64(n)/asks)
		}
	}
}

// serialTrips to Redis are what an ask waits for, one after another: its limit, and at once with it the look-up of what was found, which
// also claims the search; once that is found the look-up of the answer, which claims that. What is written, nothing waits for.
const serialTrips = 2

func timed(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d.Microseconds())/1e3) }

// replay sends what a server was sent, and reads the answer.
func (s *ragserver) replay(server string, e exchange) {
	s.tb.Helper()
	r, err := http.NewRequestWithContext(s.tb.Context(), e.method, server+e.path, bytes.NewReader(e.body))
	if err != nil {
		s.tb.Fatal(err)
	}
	r.Header = e.header
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
		s.tb.Fatalf("%s %s: %d %v", e.method, e.path, response.StatusCode, err)
	}
}

func client(t *testing.T, server *backends.RedisServer) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// commands are how often each command of each Redis ran, but for PING.
func commands(t *testing.T, state, cache *redis.Client) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for name, client := range map[string]*redis.Client{"state": state, "cache": cache} {
		text, err := client.Info(t.Context(), "commandstats").Result()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text) {
			command, numbers, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":")
			var calls int
			if n, _ := fmt.Sscanf(numbers, "calls=%d", &calls); n == 1 && command != "ping" {
				counts[name+" "+command] = calls
			}
		}
	}
	return counts
}
