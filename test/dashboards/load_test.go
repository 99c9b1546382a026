package dashboards

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/openaitest"
)

var subjects = []string{"wings", "boundary layers", "shock waves", "heat transfer", "flutter", "nozzles", "jet noise", "panels"}

// load asks both servers for as long as the phases last: at first all is well, then the model fails, then its fallback too, then they are
// slow and more is asked than the servers take, and at last all is well again.
func (s *service) load(t *testing.T, phase time.Duration) {
	t.Helper()
	for _, models := range []*openaitest.Server{s.models, s.spare} { // an answer that is cut at maxTokens is not cached
		models.Answer(func(openaitest.ChatRequest) string { return "What is known of it is written there [1]." })
	}
	for i, subject := range subjects {
		s.ask(t.Context(), "admin", "/api/v1/documents", document(i, subject, 1))
	}
	ctx, stop := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for i := range 6 {
		callers.Go(func() { s.caller(ctx, uint64(i)) })
	}
	failed, well := openaitest.Behaviour{Status: http.StatusInternalServerError}, openaitest.Behaviour{Delay: 40 * time.Millisecond, Gap: time.Millisecond}
	slow := openaitest.Behaviour{Delay: 400 * time.Millisecond, Gap: time.Millisecond}
	for _, models := range [][2]openaitest.Behaviour{{well, well}, {failed, well}, {failed, failed}, {slow, well}, {well, well}} {
		s.models.Always(openaitest.Chat, models[0])
		s.spare.Always(openaitest.Chat, models[1])
		s.nudge(t)
		crowd, leave := context.WithTimeout(ctx, phase)
		if models[0] == slow {
			for range 24 {
				callers.Go(func() {
					for crowd.Err() == nil {
						s.ask(crowd, "client", "/api/v1/ask", question("query", rand.Int(), subjects[0]))
						pause(crowd)
					}
				})
			}
		}
		<-crowd.Done()
		leave()
	}
	stop()
	callers.Wait()
}

// caller does what callers do: asks some questions again and again and others once, and makes mistakes.
func (s *service) caller(ctx context.Context, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	for n := 0; ctx.Err() == nil; n++ {
		subject := subjects[random.IntN(len(subjects))]
		again := random.IntN(3)
		switch random.IntN(15) {
		case 0, 1, 2:
			s.ask(ctx, "client", "/api/v1/search", question("query", again, subject))
		case 3:
			s.ask(ctx, "client", "/api/v1/search", question("query", random.IntN(1<<30), subject))
		case 4, 5, 6:
			s.ask(ctx, "client", "/api/v1/ask", question("query", again, subject))
		case 7:
			s.ask(ctx, "client", "/api/v1/ask", question("query", random.IntN(1<<30), subject))
		case 8:
			s.ask(ctx, "client", "/api/v1/stream", question("query", random.IntN(6), subject))
		case 9:
			s.ask(ctx, "stingy", "/api/v1/search", question("query", again, subject))
		case 10:
			s.ask(ctx, "client", "/api/v1/ask", `{"query": ""}`)
		case 11:
			s.ask(ctx, "client", "/api/v1/search", `{"query": "quinquereme"}`)
		case 12: // each empties the cache of searches
			if n%4 > 0 {
				continue
			}
			s.ask(ctx, "admin", "/api/v1/documents", document(random.IntN(12), subject, random.IntN(3)))
		case 13: // of an answer that nobody gave, which the servers cannot know
			s.ask(ctx, "client", "/api/v1/feedback", fmt.Sprintf(`{"trace_id": "%032x", "score": %d}`, 1+random.Uint64()>>1, random.IntN(3)-1))
		default:
			s.ask(ctx, "client no-cache", "/api/v1/search", question("query", again, subject))
		}
		pause(ctx)
	}
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(80 * time.Millisecond):
	}
}

func question(field string, n int, subject string) string {
	return fmt.Sprintf(`{%q: "What is known of %s, part %d?"}`, field, subject, n)
}

func document(n int, subject string, version int) string {
	text := strings.Repeat(fmt.Sprintf("What is known of %s is written here in part %d. ", subject, n), 5+version)
	return fmt.Sprintf(`{"id": "d%d", "title": "On %s", "text": %q}`, n, subject, text)
}

// ask sends a request to one of the servers and reads the answer, whatever it is.
func (s *service) ask(ctx context.Context, caller, path, body string) {
	caller, noCache, _ := strings.Cut(caller, " ")
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.urls[rand.IntN(len(s.urls))]+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	var entry struct{ Key string }
	if err := json.Unmarshal([]byte(keys[caller]), &entry); err != nil {
		panic(err)
	}
	request.Header.Set("X-API-Key", entry.Key)
	request.Header.Set("Content-Type", "application/json")
	if noCache != "" {
		request.Header.Set("Cache-Control", noCache)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return // the load has ended
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
}
