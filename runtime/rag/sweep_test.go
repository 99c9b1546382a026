package rag

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSweepRecoversInAChangeOfTheTenant(t *testing.T) {
	p := &ports{}
	deletion := Unfinished{Tenant: "t", ID: "a", Kind: UnfinishedDeletion}
	p.unfinished = func() []Unfinished {
		if slices.Contains(p.calls, "recover b") {
			return nil
		}
		return []Unfinished{deletion, {Tenant: "t", ID: "b", Kind: UnfinishedUpdate}}
	}
	var told []string
	s := &Sweeper{Documents: p, Control: p, Forgetter: p, Feedback: p, OnRecover: func(u Unfinished, err error) {
		if err != nil {
			t.Error(err)
		}
		told = append(told, u.ID+" "+string(u.Kind))
	}}
	if swept, err := s.Sweep(t.Context()); !swept || err != nil {
		t.Fatalf("got %t, %v", swept, err)
	}
	want := []string{"unfinished", "begin", "recover a", "recover b", "refresh", "publish", "forget a", "unfinished", "forget feedback"}
	if diff := cmp.Diff(want, p.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a deletion", "b update"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// A change that is not made visible is left open, to be closed after a refresh.
func TestSweepThatCannotRefreshDoesNotPublish(t *testing.T) {
	down := &Error{Kind: ErrSearchUnavailable, Message: "down"}
	p := &ports{refresh: func() error { return down }, unfinished: func() []Unfinished { return []Unfinished{{Tenant: "t", ID: "a"}} }}
	if _, err := (&Sweeper{Documents: p, Control: p, Forgetter: p, Feedback: p}).Sweep(t.Context()); !errors.Is(err, ErrSearchUnavailable) {
		t.Errorf("got %v, want search_unavailable", err)
	}
	if diff := cmp.Diff([]string{"unfinished", "begin", "recover a", "refresh", "forget feedback"}, p.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// What cannot be recovered is tried once a round.
func TestSweepEnds(t *testing.T) {
	p := &ports{unfinished: func() []Unfinished { return []Unfinished{{Tenant: "t", ID: "a", Began: time.Unix(1, 0)}} }}
	if _, err := (&Sweeper{Documents: p, Control: p, Forgetter: p, Feedback: p}).Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if count := len(slices.DeleteFunc(p.calls, func(c string) bool { return c != "recover a" })); count != 1 {
		t.Errorf("recovered %d times in one round", count)
	}
}
