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

func (a *API) document(w http.ResponseWriter, r *http.Request, c call) error {
	documentID, err := admitDocument(r, c)
	if err != nil {
		return err
	}
	found, err := a.Service.Document(r.Context(), middleware.Of(r).Identity, documentID)
	if err != nil {
		return err
	}
	chunks := make([]documentChunk, len(found.Chunks))
	for i, c := range found.Chunks {
		chunks[i] = documentChunk{ChunkID: c.ID, Text: c.Text, Span: c.Span}
	}
	return answer(w, documentAnswer{Document: found.Document, Chunks: chunks})
}

func (a *API) deleteDocument(w http.ResponseWriter, r *http.Request, c call) error {
	documentID, err := admitDocument(r, c)
	if err != nil {
		return err
	}
	if err := a.Service.DeleteDocument(r.Context(), middleware.Of(r).Identity, documentID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// admitDocument is the document that the path names, once the request for it was admitted.
func admitDocument(r *http.Request, c call) (string, error) {
	documentID := r.PathValue("id")
	if err := rag.ValidateDocumentID(documentID); err != nil {
		return "", err
	}
	return documentID, c.admit(r.Context())
}
