package cache

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

func keyConfig() config.Config {
	return config.Config{
		Service:   config.Service{Namespace: "default", Name: "docs", Replicas: 2},
		Stores:    config.Stores{OpenSearch: &config.OpenSearch{Index: "docs"}},
		Retrieval: config.Retrieval{Chunking: config.Chunking{Words: 600, OverlapWords: 100}},
		Cache:     config.Cache{Enabled: true, Generation: 3},
	}
}

func keyQuery() rag.Query {
	score := 0.5
	return rag.Query{
		Tenant: "acme", Text: "what is a bulkhead", TopK: 5, Offset: 10, Mode: rag.ModeKeyword, MinScore: &score,
		Filter: rag.Filter{"kind": {"guide", "runbook"}, "lang": {"en"}},
	}
}

func keyPrompt() rag.Prompt {
	return rag.Prompt{
		Tenant: "acme", Query: "what is a bulkhead", Model: "llama3.2:1b", Temperature: 0.2, MaxTokens: 100, BaseURL: "http://llm/v1",
		Passages: []rag.Chunk{{ID: "a#0", ContentHash: "1"}, {ID: "b#0", ContentHash: "2"}},
	}
}

func TestKeyShapes(t *testing.T) {
	t.Parallel()
	const hash = "0123456789012345678901234567890123456789012345678901234567890123"
	tests := map[string]struct{ got, want string }{
		"search": {searchKey(new(keyConfig()), new(keyQuery()), rag.State{Token: "g", Index: "documents-v1"}),
			"rag:default/docs:3:search:" + hash + ":5:false"},
		"llm":      {answerKey(new(keyConfig()), new(keyPrompt()), nil), "rag:default/docs:3:llm:" + hash + ":llama3.2%3A1b:0.2"},
		"document": {documentKey(new(keyConfig().Service), "acme", "a"), "rag:default/docs:document:" + hash},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after, _ := strings.Cut(test.want, hash)
			if !strings.HasPrefix(test.got, before) || !strings.HasSuffix(test.got, after) || len(test.got) != len(test.want) {
				t.Errorf("key %s, want the shape of %s", test.got, test.want)
			}
		})
	}
}

func TestEveryFieldOfASearchChangesItsKey(t *testing.T) {
	t.Parallel()
	other := 0.6
	checkKeys(t, func(change func(*config.Config, *rag.Query, *rag.State)) string {
		c, q, s := keyConfig(), keyQuery(), rag.State{Token: "g", Index: "documents-v1"}
		change(&c, &q, &s)
		return searchKey(&c, &q, s)
	}, map[string]func(*config.Config, *rag.Query, *rag.State){
		"nothing":         func(*config.Config, *rag.Query, *rag.State) {},
		"namespace":       func(c *config.Config, _ *rag.Query, _ *rag.State) { c.Service.Namespace = "other" },
		"name":            func(c *config.Config, _ *rag.Query, _ *rag.State) { c.Service.Name = "other" },
		"spec generation": func(c *config.Config, _ *rag.Query, _ *rag.State) { c.Cache.Generation++ },
		"index":           func(_ *config.Config, _ *rag.Query, s *rag.State) { s.Index = "documents-v2" },
		"words":           func(c *config.Config, _ *rag.Query, _ *rag.State) { c.Retrieval.Chunking.Words++ },
		"overlap":         func(c *config.Config, _ *rag.Query, _ *rag.State) { c.Retrieval.Chunking.OverlapWords++ },
		"token":           func(_ *config.Config, _ *rag.Query, s *rag.State) { s.Token = "h" },
		"tenant":          func(_ *config.Config, q *rag.Query, _ *rag.State) { q.Tenant = "umbrella" },
		"readers":         func(_ *config.Config, q *rag.Query, _ *rag.State) { q.Readers = []string{""} },
		"other readers":   func(_ *config.Config, q *rag.Query, _ *rag.State) { q.Readers = []string{"", "board"} },
		"text":            func(_ *config.Config, q *rag.Query, _ *rag.State) { q.Text = "What is a bulkhead" },
		"top_k":           func(_ *config.Config, q *rag.Query, _ *rag.State) { q.TopK++ },
		"offset":          func(_ *config.Config, q *rag.Query, _ *rag.State) { q.Offset++ },
		"semantic":        func(_ *config.Config, q *rag.Query, _ *rag.State) { q.Mode = rag.ModeSemantic },
		"hybrid":          func(_ *config.Config, q *rag.Query, _ *rag.State) { q.Mode = rag.ModeHybrid },
		"min_score":       func(_ *config.Config, q *rag.Query, _ *rag.State) { q.MinScore = &other },
		"no min_score":    func(_ *config.Config, q *rag.Query, _ *rag.State) { q.MinScore = nil },
		"min_score of 0":  func(_ *config.Config, q *rag.Query, _ *rag.State) { q.MinScore = new(float64) },
		"filter's value":  func(_ *config.Config, q *rag.Query, _ *rag.State) { q.Filter["lang"] = []string{"de"} },
		"filter's values": func(_ *config.Config, q *rag.Query, _ *rag.State) { q.Filter["lang"] = []string{"de", "en"} },
		"filter's field":  func(_ *config.Config, q *rag.Query, _ *rag.State) { delete(q.Filter, "lang") },
		"no filter":       func(_ *config.Config, q *rag.Query, _ *rag.State) { q.Filter = nil },
	})
	// Cache says how a result is served.
	if n := reflect.TypeFor[rag.Query]().NumField() - 1; n != 8 {
		t.Errorf("rag.Query has %d fields, the key knows 8", n)
	}
}

func TestEveryFieldOfAPromptChangesItsKey(t *testing.T) {
	t.Parallel()
	checkKeys(t, func(change func(*config.Config, *rag.Prompt, *rag.AnswerTokens)) string {
		c, p, a := keyConfig(), keyPrompt(), rag.AnswerTokens{}
		change(&c, &p, &a)
		return answerKey(&c, &p, &a)
	}, map[string]func(*config.Config, *rag.Prompt, *rag.AnswerTokens){
		"nothing":          func(*config.Config, *rag.Prompt, *rag.AnswerTokens) {},
		"namespace":        func(c *config.Config, _ *rag.Prompt, _ *rag.AnswerTokens) { c.Service.Namespace = "other" },
		"name":             func(c *config.Config, _ *rag.Prompt, _ *rag.AnswerTokens) { c.Service.Name = "other" },
		"spec generation":  func(c *config.Config, _ *rag.Prompt, _ *rag.AnswerTokens) { c.Cache.Generation++ },
		"tenant":           func(_ *config.Config, p *rag.Prompt, _ *rag.AnswerTokens) { p.Tenant = "umbrella" },
		"readers":          func(_ *config.Config, p *rag.Prompt, _ *rag.AnswerTokens) { p.Readers = []string{""} },
		"query":            func(_ *config.Config, p *rag.Prompt, _ *rag.AnswerTokens) { p.Query += "s" },
		"model":            func(_ *config.Config, p *rag.Prompt, _ *rag.AnswerTokens) { p.Model = "llama3.2" },
		"temperature":      func(_ *config.Config, p *rag.Prompt, _ *rag.AnswerTokens) { p.Temperature = 0.20001 },
		"max tokens":       func(_ *config.Config, p *rag.Prompt, _ *rag.AnswerTokens) { p.MaxTokens++ },
		"base URL":         func(_ *config.Config, p *rag.Prompt, _ *rag.AnswerTokens) { p.BaseURL += "/" },
		"a passage":        func(_ *config.Config, p *rag.Prompt, _ *rag.AnswerTokens) { p.Passages[0].ID = "c#0" },
		"a passage's text": func(_ *config.Config, p *rag.Prompt, _ *rag.AnswerTokens) { p.Passages[0].ContentHash = "3" },
		"fewer passages":   func(_ *config.Config, p *rag.Prompt, _ *rag.AnswerTokens) { p.Passages = p.Passages[:1] },
		"order of passages": func(_ *config.Config, p *rag.Prompt, _ *rag.AnswerTokens) {
			p.Passages[0], p.Passages[1] = p.Passages[1], p.Passages[0]
		},
		"tenant's answers invalidated": func(_ *config.Config, _ *rag.Prompt, a *rag.AnswerTokens) { a.All = "t" },
		"a document's invalidated": func(_ *config.Config, p *rag.Prompt, a *rag.AnswerTokens) {
			*a = *invalidated(p.Tenant, p.Passages[0].DocumentID)
		},
		"another's invalidated": func(_ *config.Config, p *rag.Prompt, a *rag.AnswerTokens) {
			*a = *invalidated(p.Tenant, p.Passages[1].DocumentID)
		},
	})
	// Statistics are no part of the key: they change with every document of the tenant, and an answer from the same
	// passages stays true. Whole says how it is read, Cache how it is served.
	const unkeyed = 3
	if n := reflect.TypeFor[rag.Prompt]().NumField() - unkeyed; n != 8 {
		t.Errorf("rag.Prompt has %d fields, the key knows 8", n)
	}
}

// invalidated are a tenant's tokens after the answers from a document were invalidated.
func invalidated(tenant, documentID string) *rag.AnswerTokens {
	d := rag.NewControlDocument("i", "1")
	d.Invalidate(rag.Invalidation{Tenant: tenant, DocumentID: documentID})
	return d.State(tenant).Answers
}

// checkKeys makes a key for each change and fails where two are the same.
func checkKeys[F any](t *testing.T, key func(F) string, changes map[string]F) {
	t.Helper()
	seen := map[string]string{}
	for name, change := range changes {
		k := key(change)
		if other, ok := seen[k]; ok {
			t.Errorf("%q and %q have the same key", name, other)
		}
		seen[k] = name
	}
}

func TestOrderOfAFilterMeansNothing(t *testing.T) {
	t.Parallel()
	q := keyQuery()
	q.Filter = rag.Filter{"lang": {"en", "en"}, "kind": {"runbook", "guide", "runbook"}}
	if searchKey(new(keyConfig()), new(keyQuery()), rag.State{Token: "g", Index: "documents-v1"}) != searchKey(new(keyConfig()), &q,
		rag.State{Token: "g", Index: "documents-v1"}) {
		t.Error("the same filter in another order has another key")
	}
}

// FuzzFields looks for two lists of fields that are the same bytes, whatever their fields hold.
func FuzzFields(f *testing.F) {
	f.Add("a", "b", "ab", "")
	f.Add("a:", "b", "a", ":b")
	f.Add("", "", "\x00\x00\x00\x00\x00\x00\x00\x00", "")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		first, second := newFields(nil, "1").text(a).text(b), newFields(nil, "1").text(c).text(d)
		nested := newFields(nil, "1").texts([]string{a, b})
		if same := a == c && b == d; slices.Equal(first.appendSum(nil), second.appendSum(nil)) != same {
			t.Errorf("%q, %q and %q, %q: same bytes %t, want %t", a, b, c, d, !same, same)
		}
		if slices.Equal(nested.appendSum(nil), first.appendSum(nil)) {
			t.Errorf("%q, %q are the same bytes as the list of them", a, b)
		}
	})
}

// FuzzParts looks for names of services and models that make one key of two.
func FuzzParts(f *testing.F) {
	f.Add("llama3.2:1b", "a", "llama3.2", "1b:a")
	f.Add("%3A", "", ":", "")
	f.Add("a+b", "a b", "a b", "a+b")
	f.Fuzz(func(t *testing.T, model, name, otherModel, otherName string) {
		key := func(model, name string) string {
			c, p := keyConfig(), keyPrompt()
			c.Service.Name, p.Model = name, model
			return answerKey(&c, &p, nil)
		}
		k := key(model, name)
		if same := model == otherModel && name == otherName; (k == key(otherModel, otherName)) != same {
			t.Errorf("%q of %q and %q of %q: same key %t, want %t", model, name, otherModel, otherName, !same, same)
		}
		if n := strings.Count(k, ":"); n != 6 {
			t.Errorf("%s has %d parts, want 7", k, n+1)
		}
	})
}
