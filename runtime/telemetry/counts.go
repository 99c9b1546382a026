package telemetry

import "slices"

// Layers of the cache in the order in which a request asks them, as metrics and GET stats name them.
var Layers = [...]string{"local", "coalesced", "redis"}

// Hits counts requests answered from the cache and others. Stale are those answered with an expired result, since no other
// could be made: neither hits nor misses.
type Hits struct {
	Hits   int64 `json:"h,omitempty"`
	Misses int64 `json:"m,omitempty"`
	Stale  int64 `json:"s,omitempty"`
}

// Add adds those of others.
func (h *Hits) Add(o Hits) {
	h.Hits += o.Hits
	h.Misses += o.Misses
	h.Stale += o.Stale
}

// Counts are figures of traffic. Servers share them by the short names.
type Counts struct {
	// Requests and Errors count requests to the API, and those of them that failed for a reason of the service.
	Requests int64 `json:"r,omitempty"`
	Errors   int64 `json:"e,omitempty"`
	// Search counts search requests by how they were answered, LLM ask and stream requests; BYPASS counts as neither.
	Search KindCounts `json:"search,omitzero"`
	LLM    KindCounts `json:"llm,omitzero"`
	// Feedback counts what callers say of answers.
	Feedback FeedbackCounts `json:"feedback,omitzero"`
}

// Add adds those of others.
func (c *Counts) Add(o *Counts) {
	c.Requests += o.Requests
	c.Errors += o.Errors
	c.Search.add(&o.Search)
	c.LLM.add(&o.LLM)
	c.Feedback.Add(o.Feedback)
}

func (c *Counts) kind(kind string) *KindCounts {
	if kind == KindSearch {
		return &c.Search
	}
	return &c.LLM
}

// KindCounts are the results of one kind: all of them, and those that each of Layers had.
type KindCounts struct {
	All Hits `json:"a,omitzero"`
	// Saved is what the results from the cache would have taken of a model.
	Saved  Savings                  `json:"u,omitzero"`
	Layers [len(Layers)]LayerCounts `json:"l,omitzero"`
}

// LayerCounts are the results that one layer had.
type LayerCounts struct {
	Hits  int64   `json:"h,omitempty"`
	Stale int64   `json:"s,omitempty"`
	Saved Savings `json:"u,omitzero"`
}

func (k *KindCounts) count(one Hits, layer string) {
	k.All.Add(one)
	if i := slices.Index(Layers[:], layer); i >= 0 {
		k.Layers[i].Hits += one.Hits
		k.Layers[i].Stale += one.Stale
	}
}

func (k *KindCounts) save(saved Savings, layer string) {
	k.Saved.Add(saved)
	if i := slices.Index(Layers[:], layer); i >= 0 {
		k.Layers[i].Saved.Add(saved)
	}
}

func (k *KindCounts) add(o *KindCounts) {
	k.All.Add(o.All)
	k.Saved.Add(o.Saved)
	for i := range k.Layers {
		k.Layers[i].Hits += o.Layers[i].Hits
		k.Layers[i].Stale += o.Layers[i].Stale
		k.Layers[i].Saved.Add(o.Layers[i].Saved)
	}
}

// Savings are tokens that no model had to read or write, and their cost.
type Savings struct {
	PromptTokens     int     `json:"p,omitempty"`
	CompletionTokens int     `json:"c,omitempty"`
	CostUSD          float64 `json:"d,omitempty"`
}

// Add adds those of others.
func (s *Savings) Add(o Savings) {
	s.PromptTokens += o.PromptTokens
	s.CompletionTokens += o.CompletionTokens
	s.CostUSD += o.CostUSD
}
