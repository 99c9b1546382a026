//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

const (
	// startTimeout bounds a whole service's start: OpenSearch takes 20 to 60 s on two cores.
	startTimeout = 5 * time.Minute
	// settingsTimeout is what design promises for a settings change: the kubelet's sync and a little.
	settingsTimeout = 90 * time.Second
	// tellTimeout is how soon a pod that cannot start must be told.
	tellTimeout = 30 * time.Second
	pollEvery   = 500 * time.Millisecond
)

var (
	restConfig *rest.Config
	kube       client.Client
)

func TestMain(m *testing.M) {
	if err := connect(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: no cluster to test on (make e2e brings one up):", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func connect() error {
	var err error
	if restConfig, err = clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG")); err != nil {
		return err
	}
	restConfig.QPS, restConfig.Burst = 50, 100
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	kube, err = client.New(restConfig, client.Options{Scheme: scheme})
	return err
}

// newNamespace makes a namespace that is removed, with all in it, after the test.
func newNamespace(t *testing.T) string {
	t.Helper()
	// Every pod of the product must pass the restricted Pod Security Standard: a namespace that enforces it proves that.
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "e2e-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if err := kube.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			explain(t, ns.Name)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := kube.Delete(ctx, ns); err != nil {
			t.Errorf("delete the namespace: %v", err)
		}
	})
	return ns.Name
}

// newService is the smallest RAGService that fits the test cluster.
func newService(namespace, name string) *v1alpha1.RAGService {
	return &v1alpha1.RAGService{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.RAGServiceSpec{
			Models:     v1alpha1.ModelsSpec{LLM: v1alpha1.LLMSpec{Provider: v1alpha1.LLMProviderExtractive}},
			OpenSearch: v1alpha1.OpenSearchSpec{Managed: &v1alpha1.ManagedOpenSearch{Storage: "1Gi"}},
			Redis:      v1alpha1.RedisSpec{Managed: &v1alpha1.ManagedRedis{CacheMemory: "32Mi", StateStorage: "64Mi"}},
		},
	}
}

func create(t *testing.T, o client.Object) {
	t.Helper()
	if err := kube.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// edit changes a RAGService, against whatever else writes it.
func edit(t *testing.T, rag *v1alpha1.RAGService, change func(*v1alpha1.RAGServiceSpec)) {
	t.Helper()
	eventually(t, 10*time.Second, "the edit is taken", func() error {
		if err := kube.Get(t.Context(), client.ObjectKeyFromObject(rag), rag); err != nil {
			return err
		}
		change(&rag.Spec)
		return kube.Update(t.Context(), rag)
	})
}

// eventually polls until check returns nil.
func eventually(t *testing.T, within time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s: %v", within, what, err)
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, t.Context().Err())
		case <-time.After(pollEvery):
		}
	}
}

// condition is what the current generation's status says.
func condition(ctx context.Context, rag *v1alpha1.RAGService, kind string) (metav1.Condition, error) {
	if err := kube.Get(ctx, client.ObjectKeyFromObject(rag), rag); err != nil {
		return metav1.Condition{}, err
	}
	c := meta.FindStatusCondition(rag.Status.Conditions, kind)
	if c == nil {
		return metav1.Condition{}, fmt.Errorf("there is no condition %s", kind)
	}
	if c.ObservedGeneration != rag.Generation {
		return *c, fmt.Errorf("%s is of generation %d, not %d", kind, c.ObservedGeneration, rag.Generation)
	}
	return *c, nil
}

// awaitCondition waits until a condition has a status and, when one is given, a reason.
func awaitCondition(t *testing.T, rag *v1alpha1.RAGService, within time.Duration, kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	t.Helper()
	var c metav1.Condition
	eventually(t, within, fmt.Sprintf("%s of %s is %s %s", kind, rag.Name, status, reason), func() error {
		var err error
		if c, err = condition(t.Context(), rag, kind); err != nil {
			return err
		}
		if c.Status != status || reason != "" && c.Reason != reason {
			return fmt.Errorf("it is %s/%s: %s", c.Status, c.Reason, c.Message)
		}
		return nil
	})
	return c
}

// awaitReady waits until the service answers and nothing is under way: Ready is True as soon as one server answers.
func awaitReady(t *testing.T, rag *v1alpha1.RAGService) {
	t.Helper()
	awaitCondition(t, rag, startTimeout, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
	eventually(t, startTimeout, "nothing is under way", func() error {
		c, err := condition(t.Context(), rag, v1alpha1.ConditionServerReady)
		if err != nil {
			return err
		}
		if c.Status != metav1.ConditionTrue {
			return fmt.Errorf("ServerReady is %s/%s: %s", c.Status, c.Reason, c.Message)
		}
		if c := meta.FindStatusCondition(rag.Status.Conditions, v1alpha1.ConditionReconciling); c != nil {
			return fmt.Errorf("reconciling, %s: %s", c.Reason, c.Message)
		}
		return nil
	})
}

// serverPods are the running server pods, by name.
func serverPods(t *testing.T, rag *v1alpha1.RAGService) []corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	err := kube.List(t.Context(), &pods, client.InNamespace(rag.Namespace),
		client.MatchingLabels{"app.kubernetes.io/instance": rag.Name, "app.kubernetes.io/component": "server"})
	if err != nil {
		t.Fatal(err)
	}
	pods.Items = slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
	slices.SortFunc(pods.Items, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	return pods.Items
}

// gone says whether an object does not exist.
func gone(ctx context.Context, o client.Object) error {
	err := kube.Get(ctx, client.ObjectKeyFromObject(o), o)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err == nil {
		return fmt.Errorf("%T %s is still there", o, o.GetName())
	}
	return err
}

// explain prints what there is to see in a namespace of a failed test.
func explain(t *testing.T, namespace string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var services v1alpha1.RAGServiceList
	var pods corev1.PodList
	var events corev1.EventList
	for _, list := range []client.ObjectList{&services, &pods, &events} {
		if err := kube.List(ctx, list, client.InNamespace(namespace)); err != nil {
			t.Logf("list %T: %v", list, err)
		}
	}
	for _, s := range services.Items {
		for _, c := range s.Status.Conditions {
			t.Logf("%s: %s=%s %s: %s", s.Name, c.Type, c.Status, c.Reason, c.Message)
		}
		t.Logf("%s: diagnostics %+v", s.Name, s.Status.Diagnostics)
	}
	for _, p := range pods.Items {
		t.Logf("pod %s: %s %+v", p.Name, p.Status.Phase, p.Status.ContainerStatuses)
	}
	for _, e := range events.Items {
		t.Logf("event %s %s: %s: %s", e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Reason, e.Message)
	}
}
