package quality

import (
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/models"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/storetest"
)

// answerAll loads the documents into an empty store and asks each question through the pipeline.
func answerAll(tb testing.TB, store storetest.Store, set QuestionSet) []Answered {
	tb.Helper()
	load(tb, store, Collection{Documents: set.Documents})
	retrieval := chunking
	retrieval.TopK, retrieval.MaxTopK = 5, 50
	service := &rag.Service{
		Retriever: store,
		Generator: models.Extractive{},
		Settings:  func() rag.Settings { return rag.Settings{Retrieval: retrieval} },
	}
	id := rag.Identity{Tenant: rag.DefaultTenant}
	answers := make([]Answered, len(set.Questions))
	for i, q := range set.Questions {
		a := Answered{AnsweredQuestion: q}
		found, err := service.Search(tb.Context(), id, rag.SearchRequest{Query: q.Text}, rag.RequestOptions{})
		if err != nil {
			tb.Fatal(err)
		}
		for _, hit := range found.Hits {
			a.Found = append(a.Found, hit.DocumentID)
		}
		said, err := service.Ask(tb.Context(), id, rag.AskRequest{Query: q.Text}, rag.RequestOptions{})
		if err != nil {
			tb.Fatal(err)
		}
		a.Answer, a.Cited = said.Text, said.Citations
		answers[i] = a
	}
	return answers
}
