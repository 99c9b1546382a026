package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// slow is how long the model takes for its only answer.
const slow = 15 * time.Second

// TestRepeated prints how long a question takes that a slow model answers, and how long when it is asked again.
func TestRepeated(t *testing.T) {
	c := loadCorpus(t)
	model := openaitest.New(t)
	model.Answer(func(openaitest.ChatRequest) string { return "It was measured [1]." })
	model.Script(openaitest.Chat, openaitest.Behaviour{Delay: slow})
	s := startServer(t, program(t), withModel(model.BaseURL(), "timeout: 60s", "idleTimeout: 60s"))
	c.documents = c.documents[:min(len(c.documents), 200)]
	s.upload(c)
	question := c.questions[0]
	first := timed(func() { s.ask(question) })
	const again = 200
	times := make([]time.Duration, again)
	for i := range times {
		times[i] = timed(func() {
			if _, header := s.ask(question); header.Get("X-Cache") != "HIT" {
				t.Fatalf("a repeated question has X-Cache %q", header.Get("X-Cache"))
			}
		})
	}
	slices.Sort(times)
	out := newTable(fmt.Sprintf("a question to a model that takes %v, then %d times the same, one after another", slow, again),
		"", "ms", "faster than the first")
	add := func(name string, d time.Duration) {
		out.add(name, milliseconds(d), fmt.Sprintf("%.0f times", first.Seconds()/d.Seconds()))
	}
	add("first", first)
	add("repeated, p50", times[again/2])
	add("repeated, slowest", times[again-1])
	out.print(t)
}

const (
	// drawn questions are asked by Zipf's law, by askers at once. The first ones fill the cache.
	drawn, filling, askers = 10_000, 1_000, 8
	// thinking is how long the model takes for each answer.
	thinking = 20 * time.Millisecond
)

// TestZipf prints how many of many questions the cache answers when they are asked by Zipf's law with the exponent 1: the n-th most popular
// one is asked 1/n times as often as the first.
func TestZipf(t *testing.T) {
	c := loadCorpus(t)
	model := openaitest.New(t)
	model.Answer(func(openaitest.ChatRequest) string { return "It was measured [1]." })
	model.Always(openaitest.Chat, openaitest.Behaviour{Delay: thinking})
	s := startServer(t, program(t), withModel(model.BaseURL()))
	s.upload(c)
	questions := c.questions
	for _, d := range c.documents {
		if d.Title != "" {
			questions = append(questions, "What is known of "+d.Title)
		}
	}
	slices.Sort(questions)
	questions = slices.Compact(questions)
	random := rand.New(rand.NewPCG(1, 1))
	random.Shuffle(len(questions), func(i, j int) { questions[i], questions[j] = questions[j], questions[i] })
	sequence := zipf(random, len(questions))

	var next, hits, failed atomic.Int64
	outcomes := sync.Map{}
	var running sync.WaitGroup
	began := time.Now()
	for range askers {
		running.Go(func() {
			for i := next.Add(1) - 1; i < drawn; i = next.Add(1) - 1 {
				outcome, err := s.try(questions[sequence[i]])
				if err != nil {
					failed.Add(1)
					outcomes.Store(err.Error(), true)
				}
				if i >= filling && outcome == "HIT" {
					hits.Add(1)
				}
			}
		})
	}
	running.Wait()
	took := time.Since(began)
	distinct := slices.Clone(sequence)
	slices.Sort(distinct)
	out := newTable(fmt.Sprintf("%d questions of %d by Zipf's law (s = 1.0), %d at once, in %v; the model takes %v",
		drawn, len(questions), askers, took.Round(time.Second), thinking))
	out.add("different ones that were asked", fmt.Sprint(len(slices.Compact(distinct))))
	out.add(fmt.Sprintf("answered from the cache, after the first %d", filling), fmt.Sprintf("%.1f%%", 100*float64(hits.Load())/(drawn-filling)))
	out.add("requests to the model", fmt.Sprint(model.Count(openaitest.Chat)))
	out.add("failed", fmt.Sprintf("%.2f%%", 100*float64(failed.Load())/drawn))
	out.print(t)
	outcomes.Range(func(what, _ any) bool { fmt.Println(what); return true })
}

// zipf draws from n things, of which the k-th is drawn 1/k times as often as the first.
func zipf(random *rand.Rand, n int) []int {
	sums, sum := make([]float64, n), 0.0
	for k := range sums {
		sum += 1 / float64(k+1)
		sums[k] = sum
	}
	sequence := make([]int, drawn)
	for i := range sequence {
		sequence[i] = sort.SearchFloat64s(sums, random.Float64()*sum)
	}
	return sequence
}

// try asks, and returns how the cache served it.
func (s *ragserver) try(question string) (outcome string, err error) {
	body, err := json.Marshal(map[string]string{"query": question})
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodPost, s.url+"/api/v1/ask", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-API-Key", keys["client"].Key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	return response.Header.Get("X-Cache"), err
}
