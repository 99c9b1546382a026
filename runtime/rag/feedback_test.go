package rag

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// PutFeedback, ListFeedback and ForgetFeedback note the call. What the stores do is tested against the engines.
func (p *ports) PutFeedback(_ context.Context, tenant string, f Feedback) error {
	p.calls = append(p.calls, fmt.Sprintf("put %s %s %s %g %q", tenant, f.By, f.TraceID[30:], f.Score, f.Comment))
	return nil
}

func (p *ports) ListFeedback(_ context.Context, tenant string, after *FeedbackPlace, most int) ([]Feedback, error) {
	p.calls = append(p.calls, fmt.Sprintf("list %s %v %d", tenant, deref(after), most))
	all := make([]Feedback, min(most, 3))
	for i := range all {
		all[i] = Feedback{TraceID: fmt.Sprintf("%032x", i+1), By: "key:<ü>", At: time.UnixMilli(1000)}
	}
	return all, nil
}

func (p *ports) ForgetFeedback(_ context.Context, before time.Time, newest int) error {
	p.calls = append(p.calls, "forget feedback")
	p.forgot = fmt.Sprintf("%d %d", before.Unix(), newest)
	return nil
}

const someTrace = "4bf92f3577b34da6a3ce929d0e0e4736"

func admitted(context.Context) error { return nil }

func TestFeedbackIsJudged(t *testing.T) {
	good := 1.0
	number := func(f float64) *float64 { return &f }
	for name, test := range map[string]struct {
		request FeedbackRequest
		want    []string // the fields at fault
		comment string
	}{
		"good":               {FeedbackRequest{TraceID: someTrace, Score: &good}, nil, ""},
		"least score":        {FeedbackRequest{TraceID: someTrace, Score: number(-1)}, nil, ""},
		"no trace":           {FeedbackRequest{Score: &good}, []string{"trace_id"}, ""},
		"no score":           {FeedbackRequest{TraceID: someTrace}, []string{"score"}, ""},
		"short trace":        {FeedbackRequest{TraceID: someTrace[1:], Score: &good}, []string{"trace_id"}, ""},
		"long trace":         {FeedbackRequest{TraceID: someTrace + "0", Score: &good}, []string{"trace_id"}, ""},
		"trace in capitals":  {FeedbackRequest{TraceID: strings.ToUpper(someTrace), Score: &good}, []string{"trace_id"}, ""},
		"trace of 0":         {FeedbackRequest{TraceID: strings.Repeat("0", 32), Score: &good}, []string{"trace_id"}, ""},
		"trace not of hex":   {FeedbackRequest{TraceID: "g" + someTrace[1:], Score: &good}, []string{"trace_id"}, ""},
		"bad inside a trace": {FeedbackRequest{TraceID: someTrace[:16] + "-" + someTrace[17:], Score: &good}, []string{"trace_id"}, ""},
		"too good":           {FeedbackRequest{TraceID: someTrace, Score: number(1.001)}, []string{"score"}, ""},
		"too bad":            {FeedbackRequest{TraceID: someTrace, Score: number(-1.001)}, []string{"score"}, ""},
		"no number":          {FeedbackRequest{TraceID: someTrace, Score: number(math.NaN())}, []string{"score"}, ""},
		"infinite":           {FeedbackRequest{TraceID: someTrace, Score: number(math.Inf(1))}, []string{"score"}, ""},
		"all at once":        {FeedbackRequest{Comment: "\x00"}, []string{"trace_id", "score", "comment"}, ""},
		"comment":            {FeedbackRequest{TraceID: someTrace, Score: &good, Comment: " a\r\nb\tU\u0308 \n"}, nil, "a\nb\tÜ"},
		"not kept":           {FeedbackRequest{TraceID: someTrace, Score: &good, Comment: "a", DropComment: true}, nil, ""},
		"bad and not kept":   {FeedbackRequest{TraceID: someTrace, Score: &good, Comment: "\x1b", DropComment: true}, []string{"comment"}, ""},
		"not UTF-8":          {FeedbackRequest{TraceID: someTrace, Score: &good, Comment: "\xff"}, []string{"comment"}, ""},
		"longest comment": {
			FeedbackRequest{TraceID: someTrace, Score: &good, Comment: strings.Repeat("ä", MaxFeedbackComment) + " "}, nil, strings.Repeat("ä", MaxFeedbackComment),
		},
		"too long": {FeedbackRequest{TraceID: someTrace, Score: &good, Comment: strings.Repeat("ä", MaxFeedbackComment+1)}, []string{"comment"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, asked := &ports{}, false
			s := &Service{Feedback: p}
			before := time.Now().Truncate(time.Millisecond)
			f, err := s.GiveFeedback(t.Context(), Identity{Name: "key:ann", Tenant: "a"}, test.request, func(context.Context) error {
				asked = true
				return nil
			})
			if diff := cmp.Diff(test.want, faultsOf(err)); diff != "" {
				t.Fatalf("%v (-want +got):\n%s", err, diff)
			}
			if test.want != nil {
				if asked || len(p.calls) > 0 {
					t.Errorf("what is not valid was admitted %t, with %v", asked, p.calls)
				}
				return
			}
			want := fmt.Sprintf("put a key:ann 36 %g %q", *test.request.Score, test.comment)
			if diff := cmp.Diff([]string{want}, p.calls); diff != "" || !asked {
				t.Errorf("admitted %t, calls (-want +got):\n%s", asked, diff)
			}
			if f.At.Before(before) || f.At.After(time.Now()) || f.At.Nanosecond()%1e6 != 0 {
				t.Errorf("it came at %v", f.At)
			}
		})
	}
}

// faultsOf are the fields that an error names.
func faultsOf(err error) (names []string) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return nil
	}
	fields, _ := e.Details["fields"].([]FieldError)
	for _, f := range fields {
		names = append(names, f.Field)
	}
	return names
}

// Feedback that is not admitted is not kept, and no list is made.
func TestFeedbackIsAdmitted(t *testing.T) {
	p, score := &ports{}, 0.0
	s, refused := &Service{Feedback: p}, errors.New("refused")
	refuse := func(context.Context) error { return refused }
	if _, err := s.GiveFeedback(t.Context(), Identity{}, FeedbackRequest{TraceID: someTrace, Score: &score}, refuse); !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
	if _, err := s.ListFeedback(t.Context(), Identity{}, FeedbackListRequest{}, refuse); !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
	if len(p.calls) > 0 {
		t.Errorf("calls: %v", p.calls)
	}
}

// A page says where the next one begins, and the last one that it is the last.
func TestFeedbackPages(t *testing.T) {
	p := &ports{}
	s := &Service{Feedback: p}
	page := func(cursor string, limit *int) FeedbackList {
		t.Helper()
		list, err := s.ListFeedback(t.Context(), Identity{Tenant: "a"}, FeedbackListRequest{Cursor: cursor, Limit: limit}, admitted)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	two, three := 2, 3
	first := page("", &two)
	if len(first.Feedback) != 2 || first.Next == "" {
		t.Errorf("the first of two pages: %+v", first)
	}
	if last := page(first.Next, &three); len(last.Feedback) != 3 || last.Next != "" {
		t.Errorf("the last page: %+v", last)
	}
	page("", nil)
	want := []string{
		"list a <nil> 3", fmt.Sprintf("list a %v 4", FeedbackPlace{1000, fmt.Sprintf("%032x", 2), "key:<ü>"}), fmt.Sprintf("list a <nil> %d", FeedbackPage+1),
	}
	if diff := cmp.Diff(want, p.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestFeedbackListIsJudged(t *testing.T) {
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	good := FeedbackPlace{1, someTrace, "key:ann"}.cursor()
	zero, most, more := 0, MaxFeedbackPage, MaxFeedbackPage+1
	for name, test := range map[string]struct {
		request FeedbackListRequest
		want    []string
	}{
		"good":            {FeedbackListRequest{Cursor: good, Limit: &most}, nil},
		"no limit":        {FeedbackListRequest{Limit: &zero}, []string{"limit"}},
		"large limit":     {FeedbackListRequest{Limit: &more}, []string{"limit"}},
		"not base64":      {FeedbackListRequest{Cursor: "ä"}, []string{"cursor"}},
		"cut":             {FeedbackListRequest{Cursor: good[:len(good)-2]}, []string{"cursor"}},
		"not JSON":        {FeedbackListRequest{Cursor: encode("x")}, []string{"cursor"}},
		"of another kind": {FeedbackListRequest{Cursor: encode(`{"id":"x"}`)}, []string{"cursor"}},
		"a bad trace":     {FeedbackListRequest{Cursor: FeedbackPlace{1, "x", ""}.cursor()}, []string{"cursor"}},
		"before 1970":     {FeedbackListRequest{Cursor: FeedbackPlace{-1, someTrace, ""}.cursor()}, []string{"cursor"}},
		"with more":       {FeedbackListRequest{Cursor: encode(`{"at":1,"trace_id":"` + someTrace + `","by":"","x":1}`)}, []string{"cursor"}},
		"both":            {FeedbackListRequest{Cursor: "x", Limit: &zero}, []string{"cursor", "limit"}},
	} {
		_, err := (&Service{Feedback: &ports{}}).ListFeedback(t.Context(), Identity{}, test.request, admitted)
		if diff := cmp.Diff(test.want, faultsOf(err)); diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// Feedback is forgotten in the first round and then once an hour, whatever became of the rest of the round.
func TestSweepForgetsFeedback(t *testing.T) {
	now := time.Unix(100*24*3600, 0)
	p := &ports{unfinished: func() []Unfinished { return nil }}
	s := &Sweeper{Documents: p, Control: p, Forgetter: p, Feedback: p, Now: func() time.Time { return now }}
	for _, step := range []struct {
		after  time.Duration
		want   []string
		forgot string
	}{
		{0, []string{"unfinished", "forget feedback"}, "864000 10000"},
		{time.Hour - time.Second, []string{"unfinished"}, ""},
		{time.Second, []string{"unfinished", "forget feedback"}, "867600 10000"},
		{time.Minute, []string{"unfinished"}, ""},
	} {
		p.calls, p.forgot, now = nil, "", now.Add(step.after)
		if _, err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, p.calls); diff != "" {
			t.Errorf("%v later (-want +got):\n%s", step.after, diff)
		}
		if p.forgot != step.forgot {
			t.Errorf("%v later %q is forgotten, want %q", step.after, p.forgot, step.forgot)
		}
	}
}
