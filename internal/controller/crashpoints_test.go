package controller_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/controller"
)

var errKilled = errors.New("the operator was killed")

// crash kills an operator as kill -9 does: after a number of writes nothing of it reaches the API server any more, and the answer to the
// last write is lost.
type crash struct {
	mu     sync.Mutex
	writes int // left until the crash; negative for none
	dead   chan struct{}
}

func newCrash(writes int) *crash { return &crash{writes: writes, dead: make(chan struct{})} }

func (c *crash) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		select {
		case <-c.dead:
			return nil, errKilled
		default:
		}
		if r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/events") {
			return next.RoundTrip(r)
		}
		c.mu.Lock() // writes come one by one, so that their number says how far a run came
		defer c.mu.Unlock()
		if c.writes == 0 {
			return nil, errKilled
		}
		answer, err := next.RoundTrip(r)
		if c.writes--; c.writes == 0 {
			close(c.dead)
			if err == nil {
				_ = answer.Body.Close()
			}
			return nil, errKilled
		}
		return answer, err
	})
}

// life is a RAGService that is made and changed, under operators of which the first is killed.
type life struct {
	*world
	rag      *v1alpha1.RAGService
	crash    *crash
	operator *operator
	// requests are those of operators that have gone.
	requests []string
	// secrets are those that there were when the first operator was killed.
	secrets map[string]string
}

func live(t *testing.T, writes int) *life {
	t.Helper()
	l := &life{world: newWorld(t), crash: newCrash(writes)}
	l.operator = l.startOperatorWith(func(*controller.Options) {}, l.crash.wrap)
	l.rag = l.service(func(spec *v1alpha1.RAGServiceSpec) { spec.Server.Replicas = new(int32(3)) })
	l.must(l.Create(t.Context(), l.rag))
	l.settles()
	l.must(l.Get(t.Context(), client.ObjectKeyFromObject(l.rag), l.rag))
	l.edit(l.rag, func(spec *v1alpha1.RAGServiceSpec) {
		spec.NetworkPolicy.Enabled = new(false)
		spec.DeletionPolicy = v1alpha1.DeletionPolicyDelete
		spec.Cache.TTL.Search = "2h"
		spec.Server.Image = "ragserver:next"
		spec.Server.Autoscaling = &v1alpha1.AutoscalingSpec{MaxReplicas: 5} // three pods stay three
		spec.Server.Ingress = &v1alpha1.IngressSpec{Hosts: []v1alpha1.Hostname{"rag.example.com"}}
	})
	l.settles()
	l.requests = append(l.requests, l.operator.requests.since(0)...)
	return l
}

// settles waits until a pass writes nothing more. An operator that is killed meanwhile is followed by another.
func (l *life) settles() {
	l.t.Helper()
	l.eventually(func() string {
		select {
		case <-l.crash.dead:
			l.restart()
		default:
		}
		return l.unsettled(l.operator, l.rag)
	})
}

// unsettled is why the service is not as the operator wants it; empty when a pass writes nothing more.
func (w *world) unsettled(o *operator, rag *v1alpha1.RAGService) string {
	w.t.Helper()
	current := &v1alpha1.RAGService{}
	if err := w.Get(w.t.Context(), client.ObjectKeyFromObject(rag), current); err != nil {
		return err.Error()
	}
	if current.Status.ObservedGeneration == nil || *current.Status.ObservedGeneration != current.Generation {
		return "its generation was not seen"
	}
	before := o.requests.count()
	result, err := o.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(rag)})
	if err != nil {
		return err.Error()
	}
	if result.RequeueAfter > 0 && result.RequeueAfter < time.Second {
		return "a pass waits for the cache"
	}
	if writes := o.requests.writesSince(before); len(writes) > 0 {
		return fmt.Sprintf("a pass still writes %v", writes)
	}
	return ""
}

func (l *life) restart() {
	l.t.Helper()
	l.secrets = l.secretUIDs()
	l.operator.stop()
	l.requests = append(l.requests, l.operator.requests.since(0)...)
	l.crash = newCrash(-1)
	l.operator = l.startOperatorWith(func(*controller.Options) {}, l.crash.wrap)
}

func (l *life) secretUIDs() map[string]string {
	l.t.Helper()
	var all corev1.SecretList
	l.must(l.List(l.t.Context(), &all, client.InNamespace(l.namespace)))
	uids := map[string]string{}
	for _, s := range all.Items {
		uids[s.Name] = string(s.UID)
	}
	return uids
}

// deletions is how often an object was deleted, in all lives.
func (l *life) deletions() (n int) {
	for _, request := range l.requests {
		if strings.HasPrefix(request, http.MethodDelete+" ") {
			n++
		}
	}
	return n
}

// drawn are values that differ between two runs of the same: random, or derived from such or from the namespace. YAML quotes those that
// could be numbers.
var drawn = regexp.MustCompile(`"?[0-9a-f]{16,}"?|nodePort: [0-9]+`)

// stateOf is everything that the namespace holds of the service, without what two runs of the same cannot share.
func (w *world) stateOf(rag *v1alpha1.RAGService) map[string]string {
	w.t.Helper()
	kinds := []schema.GroupVersionKind{corev1.SchemeGroupVersion.WithKind("Secret")}
	for _, kind := range apply.Kinds() {
		gvk, err := apiutil.GVKForObject(kind, w.Scheme())
		w.must(err)
		kinds = append(kinds, gvk)
	}
	all := map[string]string{}
	for _, gvk := range kinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		w.must(w.List(w.t.Context(), list, client.InNamespace(w.namespace)))
		for _, object := range list.Items {
			for _, path := range [][]string{
				{"metadata", "resourceVersion"}, {"metadata", "generation"}, {"metadata", "uid"}, {"metadata", "creationTimestamp"}, {"metadata", "managedFields"}, {"status"},
				{"spec", "clusterIP"}, {"spec", "clusterIPs"},
			} {
				unstructured.RemoveNestedField(object.Object, path...)
			}
			if gvk.Kind == "Secret" {
				data, _, _ := unstructured.NestedMap(object.Object, "data")
				for key := range data {
					data[key] = "drawn"
				}
				_ = unstructured.SetNestedMap(object.Object, data, "data")
			}
			text, err := yaml.Marshal(object.Object)
			w.must(err)
			plain := strings.ReplaceAll(string(text), string(rag.UID), "uid")
			plain = strings.ReplaceAll(plain, w.namespace, "namespace")
			all[gvk.Kind+" "+object.GetName()] = drawn.ReplaceAllString(plain, "drawn")
		}
	}
	return all
}

// TestKilledAfterAnyWrite kills the operator after each write of a service's life in turn. The next operator brings it to the same end, and
// makes no Secret anew and deletes nothing twice. (Sieve, OSDI 2022, calls these intermediate states.)
func TestKilledAfterAnyWrite(t *testing.T) {
	t.Parallel()
	clean := live(t, -1)
	want := clean.stateOf(clean.rag)
	writes := 0
	for _, request := range clean.requests {
		if !strings.HasPrefix(request, http.MethodGet+" ") {
			writes++
		}
	}
	t.Logf("%d writes, %d deletions, %d objects", writes, clean.deletions(), len(want))
	for k := 1; k <= writes; k++ {
		t.Run(fmt.Sprintf("after write %d", k), func(t *testing.T) {
			t.Parallel()
			l := live(t, k)
			if diff := cmp.Diff(want, l.stateOf(l.rag)); diff != "" {
				t.Errorf("another end than that of a clean run (-want +got):\n%s", diff)
			}
			now := l.secretUIDs()
			for name, uid := range l.secrets {
				if now[name] != uid {
					t.Errorf("Secret %s was made anew", name)
				}
			}
			if got := l.deletions(); got > clean.deletions()+1 { // one whose answer was lost may be asked for again
				t.Errorf("%d deletions, a clean run has %d", got, clean.deletions())
			}
		})
	}
}
