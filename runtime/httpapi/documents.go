package httpapi

import (
	"net/http"

	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// documentAnswer answers GET documents/{id}.
type documentAnswer struct {
	rag.Document
	Chunks []documentChunk `json:"chunks"`
}

type documentChunk struct {
	ChunkID string   `json:"chunk_id"`
	Text    string   `json:"text"`
	Span    rag.Span `json:"span"`
}

func (a *API) document(r *http.Request) (work, error) {
	documentID := r.PathValue("id")
	if err := rag.ValidateDocumentID(documentID); err != nil {
		return nil, err
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		found, err := a.Service.Document(r.Context(), middleware.Of(r).Identity, documentID)
		if err != nil {
			return err
		}
		chunks := make([]documentChunk, len(found.Chunks))
		for i, c := range found.Chunks {
			chunks[i] = documentChunk{c.ID, c.Text, c.Span}
		}
		return answer(w, documentAnswer{found.Document, chunks})
	}, nil
}

func (a *API) deleteDocument(r *http.Request) (work, error) {
	documentID := r.PathValue("id")
	if err := rag.ValidateDocumentID(documentID); err != nil {
		return nil, err
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := a.Service.DeleteDocument(r.Context(), middleware.Of(r).Identity, documentID); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}, nil
}
