package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// minute is long enough for every reload that a change may need.
const minute = time.Minute

func writeFile(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// watched is the source of a new file with topK 7, which takes up changes of it and notes them in told.
func watched(t *testing.T, file string, told *[]config.Reload) *config.Source {
	t.Helper()
	writeFile(t, file, changed(t, "retrieval.topK", 7))
	source, _, err := config.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	go source.Run(t.Context(), func(r config.Reload) { *told = append(*told, r) })
	return source
}

// A file that cannot be read is told once, and again only after it could be read; what ran before runs on.
func TestSourceTellsAFileThatCannotBeRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	synctest.Test(t, func(t *testing.T) {
		var told []config.Reload
		source := watched(t, file, &told)
		for outage := range 2 {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			time.Sleep(minute)
			synctest.Wait()
			if len(told) != outage+1 || !errors.Is(told[outage].Err, fs.ErrNotExist) || told[outage].Hash != "" {
				t.Fatalf("outage %d: told %+v", outage, told)
			}
			if source.Config().Retrieval.TopK != 7 || source.RejectedHash() != "" {
				t.Error("the configuration from before does not run on")
			}
			writeFile(t, file, changed(t, "retrieval.topK", 7))
			time.Sleep(minute)
		}
	})
}

func TestSourceTakesUpAndRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	synctest.Test(t, func(t *testing.T) {
		var told []config.Reload
		source := watched(t, file, &told)
		steps := []struct {
			topK, runs, told int
			rejected         bool
		}{
			{topK: 7, runs: 7, told: 0},
			{topK: 8, runs: 8, told: 1},
			{topK: 0, runs: 8, told: 2, rejected: true},
			{topK: 8, runs: 8, told: 2},
			{topK: 0, runs: 8, told: 3, rejected: true},
			{topK: 9, runs: 9, told: 4},
		}
		for i, step := range steps {
			writeFile(t, file, changed(t, "retrieval.topK", step.topK))
			time.Sleep(minute)
			synctest.Wait()
			if got := source.Config().Retrieval.TopK; got != step.runs || len(told) != step.told || (source.RejectedHash() != "") != step.rejected {
				t.Errorf("step %d: topK %d runs, told %d times, rejected %q; want %+v", i, got, len(told), source.RejectedHash(), step)
			}
		}
	})
}

// The hash does not tell another number of servers: the file does.
func TestSourceTakesUpAnotherNumberOfServers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	synctest.Test(t, func(t *testing.T) {
		var told []config.Reload
		source := watched(t, file, &told)
		writeFile(t, file, changed(t, "service.replicas", 5))
		time.Sleep(minute)
		synctest.Wait()
		if got := source.Config().Service.Replicas; got != 5 {
			t.Errorf("the server counts on %d servers, want 5", got)
		}
	})
}

// The key of a model is read at the start: a model of another address waits for the roll, with all that is said of it.
func TestAModelOfAnotherAddressWaitsForARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	synctest.Test(t, func(t *testing.T) {
		var told []config.Reload
		source := watched(t, file, &told)
		before := source.Config().LLM
		for _, step := range []struct {
			path  string
			value any
			model string
		}{
			{"llm.baseURL", "https://another.example.com/v1", before.Model},
			{"llm.model", "newer", "newer"}, // of the address of before
		} {
			writeFile(t, file, changed(t, step.path, step.value))
			time.Sleep(minute)
			synctest.Wait()
			if now := source.Config().LLM; now.BaseURL != before.BaseURL || now.Model != step.model {
				t.Errorf("after %s: %s at %s, want %s at %s", step.path, now.Model, now.BaseURL, step.model, before.BaseURL)
			}
		}
		if len(told) != 2 || told[0].Err != nil || source.Hash() != told[1].Hash {
			t.Errorf("told %+v", told)
		}
	})
}
