package controller

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

func TestWhatOfARAGServiceBringsAPass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*v1alpha1.RAGService)
		want   bool
	}{
		"its spec":             {func(r *v1alpha1.RAGService) { r.Generation++ }, true},
		"the user's wish":      {func(r *v1alpha1.RAGService) { r.Annotations = map[string]string{"ragservice.dev/requested-at": "now"} }, true},
		"its status":           {func(r *v1alpha1.RAGService) { r.ResourceVersion, r.Status.ConfigHash = "2", "aa" }, false},
		"an annotation":        {func(r *v1alpha1.RAGService) { r.Annotations = map[string]string{"example.com/note": "x"} }, false},
		"another of this name": {func(r *v1alpha1.RAGService) { r.UID = "another" }, true},
	} {
		before := &v1alpha1.RAGService{ObjectMeta: metav1.ObjectMeta{Name: "papers", UID: "u", Generation: 1, ResourceVersion: "1"}}
		after := before.DeepCopy()
		c.change(after)
		if got := specChanged().Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after}); got != c.want {
			t.Errorf("%s: brings a pass %t, want %t", name, got, c.want)
		}
	}
}
