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

// candidate is a plan with one Secret to make, that Redis needs.
func (w *world) candidate(password string) desired.Plan {
	w.t.Helper()
	in := w.inputs()
	in.Secrets.Candidates = []desired.GeneratedSecret{{
		Name: "papers-redis", Data: map[string][]byte{"password": []byte(password)},
		Users: []desired.Component{desired.ComponentRedisCache, desired.ComponentRedisState},
	}}
	for _, c := range desired.RedisClients() {
		in.Secrets.RollHashes[c] = "hash-of-" + password
	}
	plan, err := desired.Build(in)
	if err != nil {
		w.t.Fatal(err)
	}
	return plan
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

// Pods never carry the hash of a password that nobody has: they would roll once more.
func TestConcurrentPassesAgreeOnOneSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	passwords := []string{"a", "b", "c", "d"}
	errs := make([]error, len(passwords))
	var passes sync.WaitGroup
	for i, password := range passwords {
		plan := w.candidate(password)
		passes.Go(func() { _, errs[i] = w.applier.Apply(w.t.Context(), w.rag, plan) })
	}
	passes.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("pass %d: %v", i, err)
		}
	}
	password := string(get(w, "papers-redis", &corev1.Secret{}).Data["password"])
	for _, name := range []string{"papers-redis-cache", "papers-redis-state"} {
		template := get(w, name, &appsv1.StatefulSet{}).Spec.Template
		if got := template.Annotations[desired.AnnotationSecretsHash]; got != "hash-of-"+password {
			t.Errorf("pods of %s have %s, and the password is %q", name, got, password)
		}
	}
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
