package controller

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

func TestEverythingWasWrittenOfOneGeneration(t *testing.T) {
	t.Parallel()
	l, now := newMemory(), time.Now()
	rag := &v1alpha1.RAGService{ObjectMeta: metav1.ObjectMeta{Name: "papers", UID: "u", Generation: 1}}
	l.recordPass(rag, now, false, false)
	if l.isComplete(rag) {
		t.Error("a pass that failed wrote everything")
	}
	l.recordPass(rag, now, false, true)
	l.recordPass(rag, now, false, false) // a failure later makes no object a new one
	if !l.isComplete(rag) {
		t.Error("a pass that wrote everything is forgotten")
	}
	if rag.Generation++; l.isComplete(rag) {
		t.Error("of a new generation objects may be new")
	}
}

func TestAReadOlderThanTheLastStatusWriteIsStale(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	read := func(version string) *v1alpha1.RAGService {
		return &v1alpha1.RAGService{ObjectMeta: metav1.ObjectMeta{
			Namespace: "library", Name: "papers", UID: "u-1", ResourceVersion: version,
		}}
	}
	other := read("9")
	other.UID = "u-2"
	l := newMemory()
	if l.isStale(read("9"), now) {
		t.Error("nothing was written, and a read is stale")
	}
	l.recordStatusWrite(read("100"), now)
	for _, c := range []struct {
		name string
		rag  *v1alpha1.RAGService
		at   time.Time
		want bool
	}{
		{"older, with fewer digits", read("99"), now, true},
		{"the write itself", read("100"), now, false},
		{"newer", read("101"), now, false},
		{"another RAGService of this name", other, now, false},
		{"a version that is no number", read("x"), now, false},
		{"older for longer than a cache is", read("99"), now.Add(staleLimit + time.Second), false},
	} {
		if got := l.isStale(c.rag, c.at); got != c.want {
			t.Errorf("%s: stale %t, want %t", c.name, got, c.want)
		}
	}
}
