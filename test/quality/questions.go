package quality

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// AnsweredQuestion is a question whose answer is known.
type AnsweredQuestion struct {
	ID       string `json:"id"`
	Language string `json:"lang"`
	Text     string `json:"question"`
	// DocumentID is the document that holds the answer; empty when none does.
	DocumentID string `json:"document_id"`
	// Answers are strings of the document; an answer must hold one of them.
	Answers []string `json:"answers"`
}

// QuestionSet is documents with questions whose answers are known.
type QuestionSet struct {
	Documents []rag.Document
	Questions []AnsweredQuestion
}

// LoadQuestions reads a set from a folder with documents.ndjson (id, title, text) and questions.ndjson or dev.ndjson
// (id, lang, question, document_id, answers).
func LoadQuestions(dir string) (QuestionSet, error) {
	var set QuestionSet
	err := eachLine(filepath.Join(dir, "documents.ndjson"), func(line []byte) error {
		var d rag.Document
		err := json.Unmarshal(line, &d)
		set.Documents = append(set.Documents, d)
		return err
	})
	if err != nil {
		return QuestionSet{}, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.ndjson"))
	if err != nil {
		return QuestionSet{}, err
	}
	for _, file := range files {
		if filepath.Base(file) == "documents.ndjson" {
			continue
		}
		err := eachLine(file, func(line []byte) error {
			var q AnsweredQuestion
			err := json.Unmarshal(line, &q)
			set.Questions = append(set.Questions, q)
			return err
		})
		if err != nil {
			return QuestionSet{}, err
		}
	}
	return set, nil
}

// Answered is what a service said to a question.
type Answered struct {
	AnsweredQuestion
	Answer string
	Cited  []rag.Citation
	// Found are the documents of the first five passages.
	Found []string
}

// Score is how good the answers to some questions are. All are means: over the questions with an answer, but for Abstain.
type Score struct {
	Questions int
	// Answer is the share whose answer holds what was asked for, Cited the share in which the quote of a citation does.
	Answer, Cited float64
	// Document is the share whose first citation is of the right document, Recall the share for which search finds it.
	Document, Recall float64
	// Abstain is the share of questions without an answer that get no citation.
	Abstain float64
	// Length is the number of characters of an answer.
	Length float64
}

// Judge scores the answers in which wanted holds.
func Judge(answers []Answered, wanted func(AnsweredQuestion) bool) Score {
	var s Score
	var can, cannot float64
	for _, a := range answers {
		if !wanted(a.AnsweredQuestion) {
			continue
		}
		s.Questions++
		if len(a.Answers) == 0 {
			cannot++
			s.Abstain += one(len(a.Cited) == 0)
			continue
		}
		can++
		s.Answer += one(a.right())
		s.Cited += one(a.cited())
		s.Document += one(len(a.Cited) > 0 && a.Cited[0].DocumentID == a.DocumentID)
		s.Recall += one(slices.Contains(a.Found, a.DocumentID))
		s.Length += float64(utf8.RuneCountInString(a.Answer))
	}
	for _, sum := range []*float64{&s.Answer, &s.Cited, &s.Document, &s.Recall, &s.Length} {
		*sum /= max(can, 1)
	}
	s.Abstain /= max(cannot, 1)
	return s
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// verdict says what is wrong with an answer; nothing when it is right.
func (a Answered) verdict() string {
	switch {
	case len(a.Answers) == 0 && len(a.Cited) > 0:
		return "should have abstained"
	case len(a.Answers) == 0 || a.right() && a.cited():
		return ""
	case !slices.Contains(a.Found, a.DocumentID):
		return "document not found"
	case len(a.Cited) == 0:
		return "abstained"
	case a.right():
		return "not cited"
	default:
		return "wrong"
	}
}

func (a Answered) right() bool { return a.holds(a.Answer) }

func (a Answered) cited() bool {
	for _, c := range a.Cited {
		if a.holds(c.Quote) {
			return true
		}
	}
	return false
}

func (a Answered) holds(text string) bool {
	text = fold(text)
	for _, answer := range a.Answers {
		if strings.Contains(text, fold(answer)) {
			return true
		}
	}
	return false
}

// fold makes texts comparable: compatibility forms, case and white space do not count.
func fold(text string) string {
	return strings.Join(strings.Fields(cases.Fold().String(norm.NFKC.String(text))), " ")
}

// Table is the scores of all answers, of those to English questions and of the others, one a line.
func Table(name string, answers []Answered) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%-22s%5s%10s%10s%12s%10s%10s%8s\n", name, "n", "answer@1", "cited", "document@1", "recall@5", "abstain", "length")
	for _, group := range []struct {
		name   string
		wanted func(AnsweredQuestion) bool
	}{
		{name: "all", wanted: func(AnsweredQuestion) bool { return true }},
		{name: "English", wanted: func(q AnsweredQuestion) bool { return q.Language == "en" }},
		{name: "other", wanted: func(q AnsweredQuestion) bool { return q.Language != "en" }},
	} {
		s := Judge(answers, group.wanted)
		fmt.Fprintf(&out, "%-22s%5d%10.3f%10.3f%12.3f%10.3f%10.3f%8.0f\n", group.name, s.Questions, s.Answer, s.Cited, s.Document, s.Recall, s.Abstain, s.Length)
	}
	return out.String()
}
