package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// kept is what a client knows of a document.
type kept struct {
	id      int
	version int
	there   bool
	// known is false from the beginning of a change until its answer.
	known bool
}

func (k kept) name() string { return fmt.Sprintf("doc%d", k.id) }
func (k kept) word() string { return fmt.Sprintf("kite%dx%d", k.id, k.version) }

// killClient changes documents of a server that is killed meanwhile.
type killClient struct {
	url, key string
}

// send makes a request, and gives no status when there was no whole answer.
func (c killClient) send(ctx context.Context, method, path, body string, into any) (status int) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil && response.StatusCode != http.StatusNoContent {
		return 0
	}
	return response.StatusCode
}

// change uploads the next version of a document, or deletes it, and says whether that was acknowledged.
func (c killClient) change(ctx context.Context, k *kept, deletion bool) bool {
	k.known = false
	if deletion {
		var answer any
		status := c.send(ctx, http.MethodDelete, "/documents/"+k.name(), "", &answer)
		if status != http.StatusNoContent && status != http.StatusOK && status != http.StatusNotFound {
			return false
		}
		k.there, k.known = false, true
		return true
	}
	k.version++
	var answer struct{ Created, Updated int }
	text := strings.Repeat("The red plate is bent. ", 400) + k.word()
	status := c.send(ctx, http.MethodPost, "/documents", fmt.Sprintf(`{"id":%q,"text":%q}`, k.name(), text), &answer)
	if status != http.StatusOK || answer.Created+answer.Updated != 1 {
		return false
	}
	k.there, k.known = true, true
	return true
}

// wantKept wants GET and a search to show what was acknowledged last.
func (c killClient) wantKept(t *testing.T, round int, k kept) {
	t.Helper()
	var document struct{ Text string }
	status := c.send(t.Context(), http.MethodGet, "/documents/"+k.name(), "", &document)
	var found struct{ Total int }
	if searched := c.send(t.Context(), http.MethodPost, "/search", fmt.Sprintf(`{"query":%q}`, k.word()), &found); searched != http.StatusOK {
		t.Fatalf("a search gave %d", searched)
	}
	switch {
	case k.there && (status != http.StatusOK || !strings.HasSuffix(document.Text, k.word()) || found.Total != 1):
		t.Errorf("round %d: %s was acknowledged with %s; GET gave %d, a search finds %d", round, k.name(), k.word(), status, found.Total)
	case !k.there && (status != http.StatusNotFound || found.Total != 0):
		t.Errorf("round %d: the deletion of %s was acknowledged; GET gave %d, a search finds %d", round, k.name(), status, found.Total)
	}
}

// TestSIGKILLLosesNothingAcknowledged kills the server twenty times while three clients upload, update and delete. The kill is
// set off by the beginning of a request, so that it arrives anywhere in the changes under way.
func TestSIGKILLLosesNothingAcknowledged(t *testing.T) {
	const rounds, clients, each, most = 20, 3, 2, 30
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2)) // repeatable
	documents := make([]kept, clients*each)
	for i := range documents {
		documents[i].id = i
	}
	acknowledged := 0
	for round := range rounds + 1 {
		p, url, _ := startProgram(t, dir)
		c := killClient{url: url, key: generatedKey(t, dir, "admin")}
		for _, k := range documents {
			if k.known {
				c.wantKept(t, round, k)
			}
		}
		if round == rounds || t.Failed() {
			break
		}
		var left atomic.Int64
		left.Store(1 + random.Int64N(most))
		var running sync.WaitGroup
		done := make([]int, clients)
		for n := range clients {
			own, choose := documents[n*each:(n+1)*each], rand.New(rand.NewPCG(uint64(round), uint64(n))) // repeatable
			running.Go(func() {
				for {
					k := &own[choose.IntN(each)]
					if left.Add(-1) == 0 {
						running.Go(func() { p.End(syscall.SIGKILL, time.Minute) })
					}
					if !c.change(t.Context(), k, k.there && choose.IntN(3) == 0) {
						return
					}
					done[n]++
				}
			})
		}
		running.Wait()
		for _, n := range done {
			acknowledged += n
		}
	}
	if acknowledged < rounds {
		t.Errorf("%d changes were acknowledged in %d rounds: the test shows nothing", acknowledged, rounds)
	}
	t.Logf("%d changes were acknowledged", acknowledged)
}
