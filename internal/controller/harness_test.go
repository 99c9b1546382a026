package controller_test

import (
	"context"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/controller"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/notify"
	"github.com/ragservice/ragservice-operator/internal/observe"
	"github.com/ragservice/ragservice-operator/test/controlplane"
)

// patience is how long a test waits for what has to come. It comes far sooner; the machine may be busy.
const patience = 60 * time.Second

// world is a namespace of a real API server, in which a test plays the user, and the parts of a cluster that do not run
// there: the garbage collector, workload controllers, scheduler and kubelet (see cluster_test.go).
type world struct {
	client.Client
	t         *testing.T
	config    *rest.Config
	namespace string

	// sink is where a receiver of a test listens: the one address of this machine that operators may post to.
	sink netip.AddrPort

	mu sync.Mutex
	// addresses are where servers listen, by the address of their pod.
	addresses map[netip.Addr]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t:         t,
		config:    controlplane.Start(t, "../../config/crd/bases"),
		addresses: map[netip.Addr]string{},
	}
	w.config.QPS = -1
	var err error
	if w.Client, err = client.New(w.config, client.Options{Scheme: newScheme(t)}); err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "controller-"}}
	w.must(w.Create(t.Context(), namespace))
	w.namespace = namespace.Name
	w.allowOperator()
	return w
}

// TestMain says where the library's log goes, which complains otherwise. Operators of tests have loggers of their own.
func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(checkRights(m.Run()))
}

// operatorUser is who operators are. It may do what the generated role allows and nothing else, so every test here also
// shows that the role is enough.
const operatorUser = "ragservice-operator-under-test"

func (w *world) allowOperator() {
	w.t.Helper()
	text, err := os.ReadFile("../../config/rbac/role.yaml")
	w.must(err)
	var role rbacv1.ClusterRole
	w.must(yaml.UnmarshalStrict(text, &role))
	role.Name = w.namespace
	w.must(w.Create(w.t.Context(), &role))
	w.must(w.Create(w.t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "operator"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: operatorUser}},
	}))
}

func newScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return scheme
}

// operator is a running operator and what it does.
type operator struct {
	*controller.Reconciler
	requests *requestLog
	passes   *passCount
	stop     func()
}

// startOperator runs an operator for the namespace, until its stop is called or the test ends.
func (w *world) startOperator() *operator {
	w.t.Helper()
	return w.startOperatorWith(func(*controller.Options) {})
}

// startOperatorAs runs an operator with an id: one with a dot in it names a lease, which the test holds for it.
func (w *world) startOperatorAs(id string) *operator {
	w.t.Helper()
	return w.startOperatorWith(func(o *controller.Options) { o.Operator.ID = id })
}

// startOperatorWith runs an operator with other options, whose requests go through what is given.
func (w *world) startOperatorWith(change func(*controller.Options), through ...transport.WrapperFunc) *operator {
	w.t.Helper()
	o := &operator{requests: &requestLog{}, passes: &passCount{}}
	connection := rest.CopyConfig(w.config)
	connection.Impersonate.UserName = operatorUser
	connection.Wrap(o.requests.wrap)
	for _, wrap := range through {
		connection.Wrap(wrap)
	}
	mgr, err := ctrl.NewManager(connection, manager.Options{
		Scheme:     newScheme(w.t),
		Logger:     funcr.New(o.passes.log, funcr.Options{Verbosity: 5}),
		Cache:      controller.CacheOptions([]string{w.namespace}),
		Client:     controller.ClientOptions(),
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: new(true)}, // one process runs many operators here
	})
	w.must(err)
	poller := observe.NewPoller(mgr.GetCache(), observe.WithAddress(w.address))
	w.must(mgr.Add(poller))
	notifier := notify.New(w.posting(), mgr.GetAPIReader(), notify.WithRetry(20*time.Millisecond))
	w.must(mgr.Add(notifier))
	options := controller.Options{
		Operator: desired.OperatorOptions{
			ID:        "operator",
			Images:    desired.Images{Server: "ragserver:test", Redis: "redis:test", OpenSearch: "opensearch:test"},
			Namespace: "operator",
		},
		Poller: poller, Notifier: notifier,
	}
	change(&options)
	o.Reconciler = controller.New(mgr, options)
	ctx, cancel := context.WithCancel(context.Background())
	w.must(o.SetupWithManager(ctx, mgr))
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	o.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the operator ended with %v", err)
		}
	})
	w.t.Cleanup(func() {
		o.stop()
		if text := o.passes.text(); w.t.Failed() {
			w.t.Logf("the operator's log ends with:\n%s", text[max(0, len(text)-6000):])
		}
	})
	if !mgr.GetCache().WaitForCacheSync(ctx) {
		w.t.Fatal("the cache does not fill")
	}
	return o
}

// posting is a client like that of an operator, which may post to the receiver of the test too.
func (w *world) posting() *http.Client {
	return notify.NewClient(func(to netip.AddrPort) bool { return to != w.sink && notify.Refused(to) })
}

// pass makes one pass by hand.
func (o *operator) pass(t *testing.T, rag *v1alpha1.RAGService) {
	t.Helper()
	if _, err := o.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(rag)}); err != nil {
		t.Fatal(err)
	}
}

// service is the smallest RAGService.
func (w *world) service(changes ...func(*v1alpha1.RAGServiceSpec)) *v1alpha1.RAGService {
	rag := &v1alpha1.RAGService{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "papers"},
		Spec: v1alpha1.RAGServiceSpec{
			Models: v1alpha1.ModelsSpec{LLM: v1alpha1.LLMSpec{Provider: v1alpha1.LLMProviderExtractive}},
		},
	}
	for _, change := range changes {
		change(&rag.Spec)
	}
	return rag
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// eventually waits until hold answers nothing: what it answers is what is missing.
func (w *world) eventually(hold func() string) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		missing := hold()
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("after %s: %s", patience, missing)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// eventuallyShows waits until the conditions of rag are as in want, and leaves the RAGService in rag.
func (w *world) eventuallyShows(rag *v1alpha1.RAGService, want map[string]string) {
	w.t.Helper()
	w.eventually(func() string {
		w.must(w.Get(w.t.Context(), client.ObjectKeyFromObject(rag), rag))
		got := outcomes(rag)
		for conditionType, outcome := range want {
			if got[conditionType] != outcome {
				return "conditions " + render(got) + ", want " + render(want)
			}
		}
		return ""
	})
}

// edit changes the spec as a user would.
func (w *world) edit(rag *v1alpha1.RAGService, change func(*v1alpha1.RAGServiceSpec)) {
	w.t.Helper()
	before := rag.DeepCopy()
	change(&rag.Spec)
	w.must(w.Patch(w.t.Context(), rag, client.MergeFrom(before)))
}

// eventuallyTells waits for an event with reason and returns what it says.
func (w *world) eventuallyTells(reason string) string {
	w.t.Helper()
	note := ""
	w.eventually(func() string {
		var all eventsv1.EventList
		w.must(w.List(w.t.Context(), &all, client.InNamespace(w.namespace)))
		var seen []string
		for _, e := range all.Items {
			if e.Reason == reason {
				note = e.Note
				return ""
			}
			seen = append(seen, e.Reason)
		}
		return "events " + strings.Join(seen, " ") + ", want " + reason
	})
	return note
}
