package controller

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
	"github.com/ragservice/ragservice-operator/test/controlplane"
)

var routeKind = schema.GroupVersionKind{Group: "routes.example.com", Version: "v1", Kind: "TestRoute"}

// routeDefinition defines a kind whose lists get defaults from the API server, as those of Gateway API do.
func routeDefinition() *apiextensionsv1.CustomResourceDefinition {
	text := apiextensionsv1.JSONSchemaProps{Type: "string"}
	weighed := apiextensionsv1.JSONSchemaProps{Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{
		"name": text, "weight": {Type: "integer", Default: &apiextensionsv1.JSON{Raw: []byte("1")}},
	}}
	spec := apiextensionsv1.JSONSchemaProps{Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{
		"host": text, "backends": {Type: "array", Items: &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &weighed}},
	}}
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "testroutes.routes.example.com"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: routeKind.Group, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "testroutes", Kind: routeKind.Kind, ListKind: "TestRouteList"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: routeKind.Version, Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{"spec": spec},
				}},
			}},
		},
	}
}

// route is one of rag's, as a plan has it.
func route(rag *v1alpha1.RAGService) desired.Object {
	u := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"host": "papers.example.com", "backends": []any{map[string]any{"name": "papers-server"}},
	}}}
	u.SetGroupVersionKind(routeKind)
	u.SetNamespace(rag.Namespace)
	u.SetName("papers-server")
	u.SetLabels(desired.Labels(rag.Name, desired.ComponentServer))
	u.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(rag, v1alpha1.GroupVersion.WithKind(desired.Kind))})
	return desired.Object{
		Component: desired.ComponentServer, GVK: routeKind, Key: client.ObjectKeyFromObject(u), Config: client.ApplyConfigurationFromUnstructured(u),
	}
}

// watcher is an Applier with the cache, the client and the queue of an operator.
type watcher struct {
	kinds *customKinds
	*apply.Applier
	client.Client
	rag      *v1alpha1.RAGService
	requests chan ctrl.Request
}

func startWatcher(t *testing.T, through ...transport.WrapperFunc) *watcher {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme, apiextensionsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	cfg := controlplane.Start(t, "../../config/crd/bases")
	user, err := client.New(cfg, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "custom-"}}
	if err := user.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	cfg = rest.CopyConfig(cfg)
	for _, wrap := range through {
		cfg.Wrap(wrap)
	}
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: scheme, Cache: CacheOptions([]string{namespace.Name}), Client: ClientOptions(), Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range apply.Kinds() {
		if _, err := mgr.GetCache().GetInformer(t.Context(), kind); err != nil {
			t.Fatal(err)
		}
	}
	w := &watcher{Client: user, requests: make(chan ctrl.Request, 100), rag: desiredtest.Smallest()}
	custom := newCustomKinds(mgr)
	custom.controller, err = controller.New("custom", mgr, controller.Options{
		SkipNameValidation: new(true), // the test may run again in this process
		Reconciler: reconcile.Func(func(_ context.Context, r ctrl.Request) (ctrl.Result, error) {
			w.requests <- r
			return ctrl.Result{}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.kinds = custom
	w.Applier = apply.New(mgr.GetClient(), mgr.GetAPIReader(), custom, nil)
	go func() { _ = mgr.Start(t.Context()) }()
	if !mgr.GetCache().WaitForCacheSync(t.Context()) {
		t.Fatal("the cache does not fill")
	}
	w.rag.Namespace, w.rag.UID = namespace.Name, ""
	if err := user.Create(t.Context(), w.rag); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *watcher) apply(t *testing.T, objects ...desired.Object) (apply.ChangeSet, error) {
	t.Helper()
	return w.Applier.Apply(t.Context(), w.rag, desired.Plan{Components: []desired.ComponentPlan{{Name: desired.ComponentServer, Objects: objects}}})
}

// settle applies until nothing is left to do, and says what was done.
func (w *watcher) settle(t *testing.T, objects ...desired.Object) apply.ChangeSet {
	t.Helper()
	var all apply.ChangeSet
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		changes, err := w.apply(t, objects...)
		all.Created = append(all.Created, changes.Created...)
		all.Drifted = append(all.Drifted, changes.Drifted...)
		all.Updated = append(all.Updated, changes.Updated...)
		all.Deleted = append(all.Deleted, changes.Deleted...)
		return err == nil && changes.Empty(), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A kind that the API server serves later than the operator started is applied, watched, kept as it shall be, and pruned.
func TestCustomKindThatIsDefinedLater(t *testing.T) {
	w := startWatcher(t)
	wanted := route(w.rag)
	ref := apply.Ref{Component: desired.ComponentServer, Kind: routeKind.Kind, Name: "papers-server"}

	_, err := w.apply(t, wanted)
	failures := apply.Failures(err)
	if len(failures) != 1 || failures[0].Ref != ref || failures[0].Reason() != v1alpha1.ReasonReconcileFailed {
		t.Fatalf("before it is defined: %v", err)
	}
	w.kinds.noteAbsent(routeKind)
	if w.kinds.lookAgain(t.Context()) || !w.kinds.isAbsent(routeKind) {
		t.Error("a kind appears before it is defined")
	}
	controlplane.Install(t, controlplane.Start(t), envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{routeDefinition()}})
	if !w.kinds.lookAgain(t.Context()) || w.kinds.isAbsent(routeKind) || w.kinds.lookAgain(t.Context()) {
		t.Error("a kind that was defined does not appear, or more than once")
	}
	if diff := cmp.Diff(apply.ChangeSet{Created: []apply.Ref{ref}}, w.settle(t, wanted)); diff != "" {
		t.Errorf("once it is defined (-want +got):\n%s", diff)
	}

	w.request(t) // for its creation
	found := &unstructured.Unstructured{}
	found.SetGroupVersionKind(routeKind)
	if err := w.Get(t.Context(), wanted.Key, found); err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedField(found.Object, "stolen.example.com", "spec", "host"); err != nil {
		t.Fatal(err)
	}
	if err := w.Update(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	w.request(t)
	if diff := cmp.Diff(apply.ChangeSet{Drifted: []apply.Ref{ref}}, w.settle(t, wanted)); diff != "" {
		t.Errorf("changed by somebody (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(apply.ChangeSet{Deleted: []apply.Ref{ref}}, w.settle(t)); diff != "" {
		t.Errorf("no longer wanted (-want +got):\n%s", diff)
	}
}

// request waits until a change begins a pass of the RAGService.
func (w *watcher) request(t *testing.T) {
	t.Helper()
	select {
	case r := <-w.requests:
		if r.NamespacedName != client.ObjectKeyFromObject(w.rag) {
			t.Errorf("a change begins a pass of %s", r)
		}
	case <-time.After(time.Minute):
		t.Fatal("a change begins no pass")
	}
}
