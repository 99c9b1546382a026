package rag

import (
	"time"
)

// Settings are what the pipeline reads anew for each request, so that a change reaches running servers.
type Settings struct {
	Retrieval RetrievalSettings
	Model     ModelSettings
	// FallbackPrices are those of the models that may answer instead, in their order.
	FallbackPrices []Price
	// CountQuestions has callers' questions counted, for a Warmer that asks the most popular ones.
	CountQuestions bool
}

// RetrievalSettings are how documents are cut up and how many passages a request gets.
type RetrievalSettings struct {
	TopK, MaxTopK int
	// ChunkWords and ChunkOverlap are the length of a passage and of what two neighbours share, in words.
	ChunkWords, ChunkOverlap int
}

// ExtractiveModel is the name of the generator that needs no model.
const ExtractiveModel = "extractive"

// extractiveMaxTokens bounds an extractive answer, in words.
const extractiveMaxTokens = 1024

// ModelSettings are the model's defaults; the zero value is the extractive generator.
type ModelSettings struct {
	Name        string
	BaseURL     string
	Temperature float64
	MaxTokens   int
	// ContextTokens bounds prompt and answer together; 0 for no bound.
	ContextTokens int
	// Timeout bounds an ask's answer as a whole; 0 for no bound but the request's own.
	Timeout time.Duration
	// Extract has the service's Extractor answer while the model is unavailable.
	Extract bool
	Price   Price
}

// Price is what a model's tokens cost, in US dollars for a million.
type Price struct {
	PromptUSDPerMillion, CompletionUSDPerMillion float64
}

// of is the cost of some tokens, in US dollars.
func (p Price) of(u Usage) float64 {
	return (float64(u.PromptTokens)*p.PromptUSDPerMillion + float64(u.CompletionTokens)*p.CompletionUSDPerMillion) / 1e6
}

// price is that of the model that wrote an answer, which another may share its name with.
func (s Settings) price(c Completion) Price {
	switch {
	case c.Model == ExtractiveModel:
		return Price{}
	case c.Fallback == 0:
		return s.Model.Price
	case c.Fallback <= len(s.FallbackPrices):
		return s.FallbackPrices[c.Fallback-1]
	default: // the settings have changed since
		return Price{}
	}
}

// ModelName is the model that answers, as requests and answers name it.
func (s Settings) ModelName() string {
	if s.Model.Name == "" {
		return ExtractiveModel
	}
	return s.Model.Name
}

// MaxTokens is the longest answer a request may ask for.
func (s Settings) MaxTokens() int {
	if s.Model.MaxTokens == 0 {
		return extractiveMaxTokens
	}
	return s.Model.MaxTokens
}
