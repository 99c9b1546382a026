package main

import (
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// settings are the pipeline's part of the configuration.
func settings(c *config.Config) rag.Settings {
	s := rag.Settings{Retrieval: rag.RetrievalSettings{
		TopK:         c.Retrieval.TopK,
		MaxTopK:      c.Retrieval.MaxTopK,
		ChunkWords:   c.Retrieval.Chunking.Words,
		ChunkOverlap: c.Retrieval.Chunking.OverlapWords,
	}}
	s.CountQuestions = c.Cache.Enabled && c.Cache.Warm.Popular > 0
	if c.LLM.Provider == config.ProviderOpenAI {
		s.Model = rag.ModelSettings{
			Name:          c.LLM.Model,
			BaseURL:       c.LLM.BaseURL,
			Temperature:   c.LLM.Temperature,
			MaxTokens:     c.LLM.MaxTokens,
			ContextTokens: c.LLM.ContextTokens,
			Timeout:       c.LLM.Timeout.D(),
			Extract:       c.LLM.Extract,
			Price:         rag.Price(c.LLM.Pricing),
		}
		for _, f := range c.LLM.Fallbacks {
			s.FallbackPrices = append(s.FallbackPrices, rag.Price(f.Pricing))
		}
	}
	return s
}
