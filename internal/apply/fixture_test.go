package apply_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
	"github.com/ragservice/ragservice-operator/internal/observe"
	"github.com/ragservice/ragservice-operator/test/controlplane"
)

// world is a namespace on a real API server with an Applier as the manager builds it: reads from a cache of what
// carries our labels, and writes that are counted.
type world struct {
	t *testing.T
	// user is somebody else's client, without a cache.
	user    client.Client
	applier *apply.Applier
	// manager is the client of applier.
	manager client.Client
	// requests counts those of the Applier.
	requests *atomic.Int64
	rag      *v1alpha1.RAGService
	config   *rest.Config
}

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	m.Run()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	cfg := controlplane.Start(t, "../../config/crd/bases")
	user, err := client.New(cfg, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, user: user, requests: &atomic.Int64{}, config: cfg}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "apply-"}}
	if err := user.Create(w.t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	w.rag = desiredtest.Full()
	w.rag.Namespace, w.rag.UID = namespace.Name, ""
	w.create(w.rag.DeepCopy())
	if err := user.Get(t.Context(), client.ObjectKeyFromObject(w.rag), w.rag); err != nil {
		t.Fatal(err)
	}
	w.manager = managerClient(t, cfg, scheme, namespace.Name, w.requests)
	live, err := client.New(counted(cfg, w.requests), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	w.applier = apply.New(w.manager, live, noCustomKinds{}, nil)
	return w
}

// noCustomKinds is for tests of kinds that have a Go type. Custom ones are tested with the controller that watches them.
type noCustomKinds struct{ apply.CustomKinds }

func (noCustomKinds) Watched() []schema.GroupVersionKind { return nil }

// managerClient reads from a cache of one namespace, selected by label as in production.
func managerClient(
	t *testing.T, cfg *rest.Config, scheme *runtime.Scheme, namespace string, requests *atomic.Int64,
) client.Client {
	t.Helper()
	ours := labels.SelectorFromSet(labels.Set{desired.LabelManagedBy: desired.ManagedBy})
	store, err := cache.New(cfg, cache.Options{
		Scheme:               scheme,
		DefaultNamespaces:    map[string]cache.Config{namespace: {}},
		DefaultLabelSelector: ours,
		DefaultTransform:     cache.TransformStripManagedFields(),
	})
	if err != nil {
		t.Fatal(err)
	}
	watched := append(apply.Kinds(), &corev1.Pod{}, &corev1.PersistentVolumeClaim{})
	for _, kind := range watched {
		if _, err := store.GetInformer(t.Context(), kind, cache.BlockUntilSynced(false)); err != nil {
			t.Fatal(err)
		}
	}
	go func() { _ = store.Start(t.Context()) }()
	if !store.WaitForCacheSync(t.Context()) {
		t.Fatal("the cache does not fill")
	}
	c, err := client.New(counted(cfg, requests), client.Options{Scheme: scheme, Cache: &client.CacheOptions{Reader: store}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// counted counts the requests about objects of namespaces that are made by cfg.
func counted(cfg *rest.Config, requests *atomic.Int64) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "/namespaces/") {
				requests.Add(1)
			}
			return next.RoundTrip(r)
		})
	})
	return cfg
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// inputs are those of w.rag, with what the cache knows.
func (w *world) inputs() desired.Inputs {
	w.t.Helper()
	snapshot, err := (&observe.Observer{Reader: w.manager, Poller: observe.NewPoller(w.manager)}).Read(w.t.Context(), w.rag)
	if err != nil {
		w.t.Fatal(err)
	}
	in := desiredtest.Inputs(w.rag)
	in.Children = snapshot.Children()
	return in
}

// state is what shall exist for w.rag.
func (w *world) state() desired.Plan {
	w.t.Helper()
	state, err := desired.Build(w.inputs())
	if err != nil {
		w.t.Fatal(err)
	}
	return state
}

// apply applies state and fails the test on an error.
func (w *world) apply(state desired.Plan) apply.ChangeSet {
	w.t.Helper()
	changes, err := w.applier.Apply(w.t.Context(), w.rag, state)
	if err != nil {
		w.t.Fatal(err)
	}
	return changes
}

// settled applies w.state until nothing is left to do, and the cache knows.
func (w *world) settled() desired.Plan {
	w.t.Helper()
	state := w.state()
	w.apply(state)
	w.eventually("a pass without a request", func() bool {
		state = w.state()
		state.Generated = nil // they exist now
		before := w.requests.Load()
		return w.apply(state).Empty() && w.requests.Load() == before
	})
	return state
}

func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	err := wait.PollUntilContextTimeout(w.t.Context(), 20*time.Millisecond, 20*time.Second, true,
		func(context.Context) (bool, error) { return holds(), nil })
	if err != nil {
		w.t.Fatalf("waiting for %s: %v", what, err)
	}
}

// get reads an object of the namespace as it is on the API server.
func get[T client.Object](w *world, name string, into T) T {
	w.t.Helper()
	if err := w.user.Get(w.t.Context(), client.ObjectKey{Namespace: w.rag.Namespace, Name: name}, into); err != nil {
		w.t.Fatal(err)
	}
	return into
}

// update writes an object as somebody else, and waits until the Applier's cache has it.
func (w *world) update(object client.Object) {
	w.t.Helper()
	if err := w.user.Update(w.t.Context(), object); err != nil {
		w.t.Fatal(err)
	}
	w.cached(object)
}

// create makes an object of the namespace as somebody else.
func (w *world) create(object client.Object) {
	w.t.Helper()
	object.SetNamespace(w.rag.Namespace)
	if err := w.user.Create(w.t.Context(), object); err != nil {
		w.t.Fatal(err)
	}
}

// cached waits until the Applier's cache has this state of object, or, without our labels, has lost it.
func (w *world) cached(object client.Object) {
	w.t.Helper()
	w.eventually("the cache to follow", func() bool {
		seen := object.DeepCopyObject().(client.Object)
		err := w.manager.Get(w.t.Context(), client.ObjectKeyFromObject(object), seen)
		if object.GetLabels()[desired.LabelManagedBy] != desired.ManagedBy {
			return client.IgnoreNotFound(err) == nil && err != nil
		}
		return err == nil && seen.GetResourceVersion() == object.GetResourceVersion()
	})
}

// exists says whether the API server has an object of this kind and name.
func (w *world) exists(kind client.Object, name string) bool {
	w.t.Helper()
	err := w.user.Get(w.t.Context(), client.ObjectKey{Namespace: w.rag.Namespace, Name: name}, kind)
	if client.IgnoreNotFound(err) != nil {
		w.t.Fatal(err)
	}
	return err == nil
}
