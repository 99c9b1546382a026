package rag

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestEstimatesAreRatherTooHigh has texts with about the numbers of tokens that vocabularies of 32,000 to 200,000 entries make of
// them, the smallest and the largest.
func TestEstimatesAreRatherTooHigh(t *testing.T) {
	tests := []struct {
		name, text string
		// least is what the most wasteful of them needs, most what would leave out good passages.
		least, most int
	}{
		{"nothing", "", 0, 0},
		{"English", "The cache keeps results for one hour, unless the documents change before that.", 15, 27},
		{"German", "Die Zwischenablage behält Ergebnisse eine Stunde lang, sofern sich die Dokumente nicht ändern.", 23, 40},
		{"Russian", "Кэш хранит результаты один час, если документы не изменились раньше.", 24, 50},
		{"Greek", "Η κρυφή μνήμη κρατά τα αποτελέσματα για μία ώρα.", 30, 60},
		{"Chinese", "缓存将结果保留一小时，除非文档在此之前发生变化。", 24, 40},
		{"Japanese", "文書が変わらない限り、キャッシュは結果を一時間保持します。", 25, 46},
		{"Thai", "แคชเก็บผลลัพธ์ไว้หนึ่งชั่วโมง", 29, 50},
		{"numbers", "6379 8080 9200 192.168.0.17", 20, 30},
		{"code", `if err := cfg.Validate(); err != nil { return config.Config{}, err }`, 22, 50},
		{"base64", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", 48, 100},
		{"emoji", "🎉🎉🎉", 6, 10},
	}
	for _, tt := range tests {
		if got := estimateTokens(tt.text); got < tt.least || got > tt.most {
			t.Errorf("%s: %d tokens, want %d to %d", tt.name, got, tt.least, tt.most)
		}
	}
}

func TestPrefixes(t *testing.T) {
	text := "The cache, 缓存将结果, 🎉 keeps " + strings.Repeat("x", 40)
	all := estimateTokens(text)
	for tokens := range all + 2 {
		n := prefixOf(text, tokens)
		if !utf8.ValidString(text[:n]) {
			t.Errorf("%d tokens: cut in a character: %q", tokens, text[:n])
		}
		if got := estimateTokens(text[:n]); got > tokens {
			t.Errorf("%d tokens: the beginning has %d", tokens, got)
		}
		if tokens >= all && n != len(text) {
			t.Errorf("%d tokens: %d of %d bytes", tokens, n, len(text))
		}
	}
}

func TestPassagesFitTheContext(t *testing.T) {
	words := strings.Repeat("word ", 100)
	passages := func(n int) []Chunk {
		out := make([]Chunk, n)
		for i := range out {
			out[i] = Chunk{ID: string(rune('a' + i)), ContentHash: string(rune('a' + i)), Title: "Title", Text: words}
		}
		return out
	}
	var counts tokenCounts
	each := counts.of(passages(1)[0])
	fixed := messageTokens
	for _, m := range (Prompt{Query: "q"}).Messages() {
		fixed += estimateTokens(m.Content)
	}
	tests := []struct {
		name                string
		contextTokens, want int
	}{
		{"no bound", 0, 5},
		{"all, to the token", 100 + fixed + 5*each, 5},
		{"one token less", 100 + fixed + 5*each - 1, 4},
		{"two", 100 + fixed + 2*each, 2},
		{"the first", 100 + fixed + each, 1},
		{"less than the first", 100 + fixed + 1, 1},
		{"less than nothing", 101, 1},
	}
	for _, tt := range tests {
		p := Prompt{Query: "q", MaxTokens: 100, Passages: passages(5)}
		fit(&p, tt.contextTokens, &counts)
		if len(p.Passages) != tt.want {
			t.Errorf("%s: %d passages, want %d", tt.name, len(p.Passages), tt.want)
		}
	}
}

func TestTheFirstPassageIsCut(t *testing.T) {
	var counts tokenCounts
	whole := Chunk{ContentHash: "h", Title: "Title", Text: strings.Repeat("long text ", 2000)}
	for _, contextTokens := range []int{101, 600, 1000} {
		p := Prompt{Query: "q", MaxTokens: 100, Passages: []Chunk{whole, whole}}
		fit(&p, contextTokens, &counts)
		got := p.Passages[0]
		if len(p.Passages) != 1 || got.Text == "" || !strings.HasPrefix(whole.Text, got.Text) || got.ContentHash == whole.ContentHash {
			t.Fatalf("%d: %d passages, the first with %d bytes and hash %s", contextTokens, len(p.Passages), len(got.Text), got.ContentHash)
		}
		used := messageTokens + p.MaxTokens
		for _, m := range p.Messages() {
			used += estimateTokens(m.Content)
		}
		if used > max(contextTokens, 101+minPassageTokens+200) {
			t.Errorf("%d: %d tokens in all", contextTokens, used)
		}
	}
}

// TestChunksUsedAreThoseGiven has a model with room for one of two passages.
func TestChunksUsedAreThoseGiven(t *testing.T) {
	settings := testSettings
	settings.Model = ModelSettings{Name: "m", MaxTokens: 100, ContextTokens: 1000}
	many := hits()[:2]
	for i := range many {
		many[i].Text = strings.Repeat("word ", 400)
		many[i].ContentHash = many[i].ID
	}
	var asked Prompt
	p := answering(Completion{}, &asked)
	p.retrieve = func(Query) (Retrieval, error) { return Retrieval{Hits: many}, nil }
	var meta StreamMeta
	events := StreamEvents{
		Meta:     func(m StreamMeta) error { meta = m; return nil },
		Token:    func(string) error { return nil },
		Citation: func(Citation) error { return nil },
	}
	got, err := p.service(settings).Stream(t.Context(), Identity{Tenant: "t"}, AskRequest{Query: "x"}, RequestOptions{}, events)
	if err != nil {
		t.Fatal(err)
	}
	if len(asked.Passages) != 1 || got.ChunksUsed != 1 || meta.ChunksUsed != 1 {
		t.Errorf("%d passages were given, the answer says %d, meta %d", len(asked.Passages), got.ChunksUsed, meta.ChunksUsed)
	}
}

// Two models may have one name: the price is that of the one that wrote, and the passages counted are those that it was given.
func TestWhatAFallbackCostsAndWasGiven(t *testing.T) {
	settings := testSettings
	settings.Model = ModelSettings{Name: "m", Price: Price{PromptUSDPerMillion: 1, CompletionUSDPerMillion: 1}}
	settings.FallbackPrices = []Price{{PromptUSDPerMillion: 10, CompletionUSDPerMillion: 10}, {}}
	for name, test := range map[string]struct {
		wrote Completion
		cost  float64
	}{
		"the first":           {Completion{Model: "m"}, 1},
		"a fallback":          {Completion{Model: "m", Fallback: 1}, 10},
		"one without a price": {Completion{Model: "m", Fallback: 2}, 0},
		"one that is gone":    {Completion{Model: "m", Fallback: 3}, 0},
		"no model":            {Completion{Model: ExtractiveModel}, 0},
	} {
		test.wrote.Usage = Usage{PromptTokens: 400_000, CompletionTokens: 600_000}
		test.wrote.LeftOut = 1
		got, err := answering(test.wrote, new(Prompt)).service(settings).Ask(t.Context(), Identity{}, AskRequest{Query: "x"}, RequestOptions{})
		if err != nil || got.Usage.CostUSD != test.cost || got.ChunksUsed != 1 {
			t.Errorf("%s: %v USD for %d of 2 passages, %v", name, got.Usage.CostUSD, got.ChunksUsed, err)
		}
	}
}
