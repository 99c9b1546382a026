package apply_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// candidate is a state of one Secret, that Redis needs.
func (w *world) candidate(password string) desired.Plan {
	state := w.state()
	state.Generated = []desired.GeneratedSecret{{
		Name: "papers-redis", Data: map[string][]byte{"password": []byte(password)}, GoesWithService: true,
		Users: []desired.Component{desired.ComponentRedisCache, desired.ComponentRedisState},
	}}
	return state
}

func TestGeneratedSecretIsMadeOnceAndNeverUpdated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.apply(w.candidate("first"))
	made := get(w, "papers-redis", &corev1.Secret{})
	if diff := cmp.Diff(desired.ServiceLabels("papers"), made.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if by := metav1.GetControllerOf(made); by == nil || by.UID != w.rag.UID {
		t.Errorf("it is controlled by %v", by)
	}
	if changes := w.apply(w.candidate("second")); len(changes.Created) != 0 {
		t.Errorf("created %v again", changes.Created)
	}
	if after := get(w, "papers-redis", &corev1.Secret{}); after.ResourceVersion != made.ResourceVersion {
		t.Error("it was written to")
	}
}

func TestConcurrentPassesAgreeOnOneSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	passwords := []string{"a", "b", "c", "d"}
	errs := make([]error, len(passwords))
	var passes sync.WaitGroup
	for i, password := range passwords {
		state := w.candidate(password)
		passes.Go(func() { _, errs[i] = w.applier.Apply(w.t.Context(), w.rag, state) })
	}
	passes.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("pass %d: %v", i, err)
		}
	}
	w.settled()
}

func TestSecretOfSomebodyElseHoldsItsUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "papers-redis"}, Data: map[string][]byte{"password": []byte("theirs")},
	})
	_, err := w.applier.Apply(w.t.Context(), w.rag, w.candidate("ours"))
	failures := apply.Failures(err)
	if len(failures) != 1 || failures[0].Reason() != "NameConflict" || failures[0].Kind != "Secret" {
		t.Errorf("failures %v, want a conflict of the Secret", err)
	}
	for name, want := range map[string]bool{"papers-redis-cache": false, "papers-redis-state": false, "papers-opensearch": true} {
		if got := w.exists(&appsv1.StatefulSet{}, name); got != want {
			t.Errorf("StatefulSet %s exists: %v, want %v", name, got, want)
		}
	}
	theirs := get(w, "papers-redis", &corev1.Secret{})
	if string(theirs.Data["password"]) != "theirs" || theirs.OwnerReferences != nil {
		t.Error("their Secret was written to")
	}
}

// A RAGService of the same name that was made anew has another UID: what the old one left is not ours.
func TestChildrenOfAnEarlierRAGServiceAreNotOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled()
	w.rag.UID = types.UID("5c6d7e8f-0000-4000-8000-000000000002")
	state := w.state()
	state.Generated = nil
	changes, err := w.applier.Apply(w.t.Context(), w.rag, state)
	if !changes.Empty() {
		t.Errorf("changes %+v, want none", changes)
	}
	for _, f := range apply.Failures(err) {
		if !errors.Is(f, apply.ErrBeingCollected) || f.Reason() != "Progressing" {
			t.Errorf("%v: reason %s, want Progressing", f, f.Reason())
		}
	}
	// Workloads are not tried without what their pods need.
	others := slices.DeleteFunc(slices.Clone(state.Objects()), desired.Object.IsWorkload)
	if got := len(apply.Failures(err)); got != len(others) {
		t.Errorf("%d failures, want %d", got, len(others))
	}
}
