//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// TestSwitch has a service under callers use stores that somebody else runs, and its own again, and counts what callers see. That of OpenSearch
// takes some minutes, and is left out unless ROUNDS is set. It reaches Services from outside of pods.
func TestSwitch(t *testing.T) {
	if os.Getenv("CLUSTER_BACKEND") != "node" {
		t.Skip("CLUSTER_BACKEND is not node: only the cluster without Docker has its Services on this machine")
	}
	rag := askedByMany(t)
	t.Run("Redis", func(t *testing.T) {
		create(t, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: rag.Namespace, Name: "foreign-redis"}, StringData: map[string]string{"password": "of-somebody-else"},
		})
		address := foreign(t, rag, "redis-cache", 999, "redis-server", "--maxmemory", "64mb", "--maxmemory-policy", "noeviction", "--save", "", "--requirepass", "of-somebody-else")
		managed := rag.Spec.Redis.Managed
		switches(t, rag, "a Redis of somebody else", 0, func(spec *v1alpha1.RAGServiceSpec) {
			spec.Redis = v1alpha1.RedisSpec{External: &v1alpha1.ExternalRedis{RedisConnection: v1alpha1.RedisConnection{
				Addresses: []v1alpha1.RedisAddress{v1alpha1.RedisAddress(address + ":6379")}, AuthSecretRef: &v1alpha1.SecretReference{Name: "foreign-redis"},
			}}}
		}, "redis-cache", "redis-state")
		switches(t, rag, "the managed Redis", 2, func(spec *v1alpha1.RAGServiceSpec) {
			spec.Redis = v1alpha1.RedisSpec{Managed: managed}
		}, "redis-cache", "redis-state")
	})
	if os.Getenv("ROUNDS") == "" {
		return
	}
	t.Run("OpenSearch", func(t *testing.T) {
		before := documentCount(t, rag)
		address := foreign(t, rag, "opensearch", 1000, "opensearch", "-Ediscovery.type=single-node")
		managed := rag.Spec.OpenSearch
		switches(t, rag, "an OpenSearch of somebody else", 0, func(spec *v1alpha1.RAGServiceSpec) {
			spec.OpenSearch = v1alpha1.OpenSearchSpec{
				External: &v1alpha1.ExternalOpenSearch{URLs: []v1alpha1.OpenSearchURL{v1alpha1.OpenSearchURL("http://" + address + ":9200")}},
				Index:    v1alpha1.IndexSpec{Replicas: new(int32(0))},
			}
		}, "opensearch")
		if r := search(t, rag); len(r) > 0 {
			t.Errorf("a new OpenSearch finds %q: documents do not move", r)
		}
		switches(t, rag, "the managed OpenSearch", 1, func(spec *v1alpha1.RAGServiceSpec) { spec.OpenSearch = managed }, "opensearch")
		if after := documentCount(t, rag); after != before || len(search(t, rag)) == 0 {
			t.Errorf("%d documents, %d before", after, before)
		}
	})
}

// switches makes a change under callers, waits until so many StatefulSets of the components are there, and says what callers saw.
func switches(t *testing.T, rag *v1alpha1.RAGService, to string, sets int, change func(*v1alpha1.RAGServiceSpec), components ...string) {
	t.Helper()
	callers := startCallers(t, rag)
	time.Sleep(quietFor) // callers have connections
	callers.killed()
	edit(t, rag, change)
	eventually(t, startTimeout, "managed stores are as wanted", func() error {
		found := 0
		for _, component := range components {
			err := kube.Get(t.Context(), client.ObjectKey{Namespace: rag.Namespace, Name: rag.Name + "-" + component}, &appsv1.StatefulSet{})
			if client.IgnoreNotFound(err) != nil {
				return err
			}
			if err == nil {
				found++
			}
		}
		if found != sets {
			return fmt.Errorf("%d StatefulSets, want %d", found, sets)
		}
		return nil
	})
	awaitReady(t, rag)
	took := time.Since(callers.at)
	callers.awaitQuiet(t)
	seen := callers.stop()
	t.Logf("| %s | %.0f s | %d | %s |", to, took.Seconds(), seen.asked, seen.summary())
	for _, f := range seen.failed {
		if !tooBusy(f) {
			t.Errorf("to %s: a request failed with %s, %s after the change", to, f.code, f.at.Round(time.Millisecond))
		}
	}
}

// foreign runs a store in a pod of its own, of the image that the managed component has, and returns its address.
func foreign(t *testing.T, rag *v1alpha1.RAGService, component string, user int64, args ...string) string {
	t.Helper()
	var set appsv1.StatefulSet
	if err := kube.Get(t.Context(), client.ObjectKey{Namespace: rag.Namespace, Name: rag.Name + "-" + component}, &set); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: rag.Namespace, Name: "foreign-" + component},
		Spec: corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), RunAsUser: &user, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				// Without what the managed one asks for, it would get no processor while that one starts.
				Name: "store", Resources: set.Spec.Template.Spec.Containers[0].Resources, Image: set.Spec.Template.Spec.Containers[0].Image, Args: args,
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
				Env: set.Spec.Template.Spec.Containers[0].Env[1:], // the folder of its configuration is the managed one's
			}},
		},
	}
	create(t, pod)
	eventually(t, startTimeout, "the store of somebody else runs", func() error {
		if err := kube.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		if pod.Status.PodIP == "" || pod.Status.Phase != corev1.PodRunning {
			return errors.New("its pod does not run")
		}
		return nil
	})
	return pod.Status.PodIP
}

// search is the documents that a common word finds.
func search(t *testing.T, rag *v1alpha1.RAGService) (ids []string) {
	t.Helper()
	var found struct {
		Hits []struct {
			DocumentID string `json:"document_id"`
		}
	}
	query := map[string]any{"query": fmt.Sprint(commonWord, " ", time.Now().UnixNano())} // no result of before is cached
	newServiceClient(t, rag).post(t, "/api/v1/search", apiKey(t, rag, "client"), http.StatusOK, query).decode(t, &found)
	for _, hit := range found.Hits {
		ids = append(ids, hit.DocumentID)
	}
	return ids
}
