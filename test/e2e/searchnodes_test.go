//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// TestSearchNodes makes three nodes of OpenSearch of one, replaces them one by one (which takes some minutes, and is left out unless ROUNDS is
// set) and goes back to one while callers ask, and counts what they see, and the documents. It reaches Services from outside of pods.
func TestSearchNodes(t *testing.T) {
	if os.Getenv("CLUSTER_BACKEND") != "node" {
		t.Skip("CLUSTER_BACKEND is not node: only the cluster without Docker has its Services on this machine")
	}
	rag := askedByMany(t)
	before := documentCount(t, rag)
	nodes := func(n int32) func(*v1alpha1.ManagedOpenSearch) {
		return func(o *v1alpha1.ManagedOpenSearch) { o.Nodes = &n }
	}
	for _, change := range []struct {
		name            string
		make            func(*v1alpha1.ManagedOpenSearch)
		reason, message string
		replaces, long  bool // whether no pod is left of those before, and whether it takes minutes
	}{
		{name: "one node becomes three", make: nodes(3), reason: v1alpha1.ReasonAvailable, message: "with 3 nodes"},
		{
			name: "three nodes are replaced", reason: v1alpha1.ReasonAvailable, message: "with 3 nodes", replaces: true, long: true,
			make: func(o *v1alpha1.ManagedOpenSearch) {
				o.PodMetadata.Labels = map[string]v1alpha1.LabelValue{"example.com/round": "two"}
			},
		},
		{name: "three nodes become one", make: nodes(1), reason: v1alpha1.ReasonVolumeKept, message: "data-papers-opensearch-2"},
	} {
		if change.long && os.Getenv("ROUNDS") == "" {
			continue
		}
		t.Run(change.name, func(t *testing.T) {
			old := podUIDs(t.Context(), t, rag, "opensearch")
			callers := startCallers(t, rag)
			time.Sleep(quietFor) // callers have connections
			callers.killed()
			edit(t, rag, func(spec *v1alpha1.RAGServiceSpec) { change.make(spec.OpenSearch.Managed) })
			eventually(t, 2*startTimeout, "OpenSearch is as wanted", func() error {
				if change.replaces {
					for name := range podUIDs(t.Context(), t, rag, "opensearch") {
						if old[name] {
							return fmt.Errorf("pod %s is that of before", name)
						}
					}
				}
				c, err := condition(t.Context(), rag, v1alpha1.ConditionOpenSearchReady)
				if err == nil && (c.Status != metav1.ConditionTrue || c.Reason != change.reason || !strings.Contains(c.Message, change.message)) {
					err = fmt.Errorf("OpenSearchReady is %s/%s: %s", c.Status, c.Reason, c.Message)
				}
				return err
			})
			awaitReady(t, rag)
			took := time.Since(callers.at)
			callers.awaitQuiet(t)
			seen := callers.stop()
			now := slices.Collect(maps.Keys(podUIDs(t.Context(), t, rag, "opensearch")))
			if !change.replaces && !slices.ContainsFunc(now, func(pod string) bool { return old[pod] }) {
				t.Error("no pod of before is there")
			}
			after := documentCount(t, rag)
			t.Logf("| %s | %.0f s | %d | %s | %d documents, %d before |", change.name, took.Seconds(), seen.asked, seen.summary(), after, before)
			for _, f := range seen.failed {
				if !tooBusy(f) {
					t.Errorf("a request failed with %s, %s after the change", f.code, f.at.Round(time.Millisecond))
				}
			}
			if after != before || before == 0 {
				t.Errorf("%d documents, %d before", after, before)
			}
		})
	}
}

// tooBusy is for a machine on which requests wait two seconds for their turn, as three nodes that start beside other work make it. No search
// is lost: its caller is told to come again.
func tooBusy(f failed) bool { return f.code == "overloaded" }

// documentCount is how many the index has.
func documentCount(t *testing.T, rag *v1alpha1.RAGService) int {
	t.Helper()
	var service corev1.Service
	if err := kube.Get(t.Context(), client.ObjectKey{Namespace: rag.Namespace, Name: rag.Name + "-opensearch"}, &service); err != nil {
		t.Fatal(err)
	}
	var answer struct{ Count int }
	eventually(t, time.Minute, "documents are counted", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+service.Spec.ClusterIP+":9200/documents/_count", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("OpenSearch answers %d", response.StatusCode)
		}
		return json.NewDecoder(response.Body).Decode(&answer)
	})
	return answer.Count
}
