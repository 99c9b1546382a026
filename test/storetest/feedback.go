package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// traceID is the nth trace.
func traceID(n int) string { return fmt.Sprintf("%032x", n) }

// said is feedback on the nth trace, of a second of a fixed day.
func said(n int, by string, second int) rag.Feedback {
	return rag.Feedback{TraceID: traceID(n), Score: 1, By: by, At: time.UnixMilli(1_767_225_600_000 + 1000*int64(second))}
}

func (s tenant) say(t *testing.T, all ...rag.Feedback) {
	t.Helper()
	for _, f := range all {
		if err := s.PutFeedback(t.Context(), s.name, f); err != nil {
			t.Fatalf("PutFeedback: %v", err)
		}
	}
}

// feedback lists what was said, from behind one of them.
func (s tenant) feedback(t *testing.T, after *rag.Feedback, most int) []rag.Feedback {
	t.Helper()
	var place *rag.FeedbackPlace
	if after != nil {
		place = &rag.FeedbackPlace{At: after.At.UnixMilli(), TraceID: after.TraceID, By: after.By}
	}
	all, err := s.ListFeedback(t.Context(), s.name, place, most)
	if err != nil {
		t.Fatalf("ListFeedback: %v", err)
	}
	return all
}

// wantFeedback wants what was said, in this order.
func (s tenant) wantFeedback(t *testing.T, want ...rag.Feedback) {
	t.Helper()
	if diff := cmp.Diff(want, s.feedback(t, nil, 1000), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("feedback (-want +got):\n%s", diff)
	}
}

// What was put is listed at once and exactly, what the same caller says later of the same trace in its place.
func testFeedback(t *testing.T, s tenant) {
	if got := s.feedback(t, nil, 10); len(got) != 0 {
		t.Errorf("before any: %v", got)
	}
	first := rag.Feedback{
		TraceID: traceID(1), Score: -0.123456789, Comment: "Schlecht, 不好\n\"no\"\t\\ <b>", By: "key:ann", At: time.UnixMilli(1_767_225_600_123),
	}
	s.say(t, first)
	s.wantFeedback(t, first)
	other, of := said(2, "key:ann", 2), said(1, "key:ben", 3)
	s.say(t, other, of)
	s.wantFeedback(t, of, other, first)
	again := said(1, "key:ann", 4)
	s.say(t, again)
	s.wantFeedback(t, again, of, other)
	earlier := said(1, "key:ann", 1)
	s.say(t, earlier)
	s.wantFeedback(t, of, other, earlier)
	longest := said(3, strings.Repeat("ü", 256), 9)
	longest.Comment = strings.Repeat("𝄞", rag.MaxFeedbackComment)
	s.say(t, longest)
	s.wantFeedback(t, longest, of, other, earlier)
}

// Tenants see their own, also when one's name begins as another's.
func testFeedbackOfTenants(t *testing.T, s tenant) {
	other := tenant{s.Store, s.name + "-2"}
	s.say(t, said(1, "key:ann", 1))
	other.say(t, said(1, "key:ann", 2))
	s.wantFeedback(t, said(1, "key:ann", 1))
	other.wantFeedback(t, said(1, "key:ann", 2))
}

// Pages neither overlap nor leave gaps, also of what came in the same millisecond, and whether or not the place is still taken.
func testFeedbackPages(t *testing.T, s tenant) {
	want := []rag.Feedback{
		said(7, "key:ann", 3), said(7, "key:ben", 3), said(8, "key:ann", 3),
		said(1, "key:ann", 2), said(9, "key:ann", 2), said(5, "key:ann", 1), said(4, "key:ann", 0),
	}
	for i := range want {
		s.say(t, want[(3*i)%len(want)])
	}
	s.wantFeedback(t, want...)
	for size := 1; size <= len(want); size++ {
		var got []rag.Feedback
		for page := s.feedback(t, nil, size); len(page) > 0; page = s.feedback(t, &page[len(page)-1], size) {
			if len(page) > size {
				t.Fatalf("a page of %d has %d", size, len(page))
			}
			got = append(got, page...)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, diff)
		}
	}
	gone := said(9, "key:ann", 2)
	s.say(t, said(9, "key:ann", 8))
	s.feedback(t, nil, 1) // makes it visible
	if diff := cmp.Diff(want[5:], s.feedback(t, &gone, 10)); diff != "" {
		t.Errorf("behind what was replaced (-want +got):\n%s", diff)
	}
}

// What is too old is forgotten, of all tenants, and of each what is too much.
func testFeedbackForgotten(t *testing.T, store Store) {
	few, many := tenant{store, "few"}, tenant{store, "many"}
	forget := func(before time.Time, newest int) {
		t.Helper()
		if err := store.ForgetFeedback(t.Context(), before, newest); err != nil {
			t.Fatalf("ForgetFeedback: %v", err)
		}
	}
	none := said(0, "", 0).At
	forget(none, 1) // of nothing
	few.say(t, said(1, "key:ann", 2), said(2, "key:ann", 4))
	for second := range 8 {
		many.say(t, said(second, "key:ben", second))
	}
	forget(none, 8)
	if got := len(many.feedback(t, nil, 10)); got != 8 {
		t.Errorf("%d of 8 are left, of which none is to be forgotten", got)
	}
	forget(none, 4)
	many.wantFeedback(t, said(7, "key:ben", 7), said(6, "key:ben", 6), said(5, "key:ben", 5), said(4, "key:ben", 4))
	few.wantFeedback(t, said(2, "key:ann", 4), said(1, "key:ann", 2))
	forget(said(0, "", 4).At, 4)
	many.wantFeedback(t, said(7, "key:ben", 7), said(6, "key:ben", 6), said(5, "key:ben", 5), said(4, "key:ben", 4))
	few.wantFeedback(t, said(2, "key:ann", 4))
	forget(said(0, "", 7).At, 4)
	many.wantFeedback(t, said(7, "key:ben", 7))
	few.wantFeedback(t)
}
