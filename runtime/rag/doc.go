// Package rag is the domain: what a query, a passage, a document and an answer are, what can go wrong with them, and
// the pipeline that makes one from the other. It knows neither HTTP nor any store, cache or model: those are adapters
// that satisfy the ports of this package.
//
//	identity, request ─> Search ─> Retriever (over an Index) ─> hits
//	                     Ask    ─> Retriever ─> Generator ─> answer with citations
//	                     Ingest ─> chunks ─> DocumentStore, between Begin and Publish of a Change
package rag
