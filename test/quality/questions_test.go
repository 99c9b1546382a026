package quality

import (
	"os"
	"path/filepath"
	"strings"
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
		Retriever: rag.NewRetriever(store),
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

// questionSet is the set of the folder that RAGSERVICE_QUESTIONS names, or our own.
func questionSet(tb testing.TB) (set QuestionSet, own bool) {
	tb.Helper()
	dir := os.Getenv("RAGSERVICE_QUESTIONS")
	if own = dir == ""; own {
		dir = filepath.Join("testdata", "questions")
	}
	set, err := LoadQuestions(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return set, own
}

// floor is what the answers to our own questions must reach; they reach a little more.
var floor = Score{Answer: 0.9, Document: 0.9, Recall: 0.95, Abstain: 0.8}

const longest = 400

func measureAnswers(t *testing.T, engine string, store storetest.Store) {
	t.Helper()
	set, own := questionSet(t)
	answers := answerAll(t, store, set)
	t.Logf("\n%s", Table(engine, answers))
	for _, a := range answers {
		if verdict := a.verdict(); verdict != "" {
			t.Logf("%s %s\n  question %s\n  wanted   %q\n  answer   %q", verdict, a.ID, a.Text, a.Answers, a.Answer)
		}
	}
	if !own {
		return
	}
	got := Judge(answers, func(AnsweredQuestion) bool { return true })
	if got.Answer < floor.Answer || got.Cited < got.Answer-0.01 || got.Document < floor.Document || got.Recall < floor.Recall || got.Abstain < floor.Abstain {
		t.Errorf("%s: %+v, want at least %+v, and as many cited as answered", engine, got, floor)
	}
	if got.Length > longest {
		t.Errorf("%s: answers have %.0f characters, want at most %d", engine, got.Length, longest)
	}
}

func TestAnswersEmbedded(t *testing.T) {
	t.Parallel()
	measureAnswers(t, "embedded", openEmbedded(t))
}

func TestAnswersOpenSearch(t *testing.T) {
	t.Parallel()
	measureAnswers(t, "OpenSearch", openOpenSearch(t))
}

// Every quote is the text at its span, and every unit of every passage stands where it says, over all texts.
func TestSpansHoldTheirText(t *testing.T) {
	t.Parallel()
	set, _ := questionSet(t)
	units := 0
	for _, d := range set.Documents {
		text := []rune(d.Text)
		for _, size := range []rag.RetrievalSettings{chunking, {ChunkWords: 20, ChunkOverlap: 5}} {
			c, err := rag.ChunkAndHash(d, size)
			if err != nil {
				t.Fatal(err)
			}
			end := 0
			for _, chunk := range c.Chunks {
				if string(text[chunk.Span.Start:chunk.Span.End]) != chunk.Text {
					t.Fatalf("%s: the span is not of its text", chunk.ID)
				}
				if n := chunk.Span.End - chunk.Span.Start; n > 8*size.ChunkWords {
					t.Errorf("%s has %d characters", chunk.ID, n)
				}
				if chunk.Span.End <= end {
					t.Errorf("%s ends at %d, where the one before ended", chunk.ID, chunk.Span.End)
				}
				end = chunk.Span.End
				inside := []rune(chunk.Text)
				last := 0
				for _, u := range chunk.Units {
					if u.Span.Start < last || u.Span.End > len(inside) || u.Span.End <= u.Span.Start {
						t.Fatalf("%s: unit at %v after %d", chunk.ID, u.Span, last)
					}
					quote := string(inside[u.Span.Start:u.Span.End])
					if strings.TrimSpace(quote) != quote || quote == "" {
						t.Errorf("%s: unit %q", chunk.ID, quote)
					}
					last = u.Span.End
					units++
				}
			}
		}
	}
	t.Logf("%d units of %d documents", units, len(set.Documents))
}
