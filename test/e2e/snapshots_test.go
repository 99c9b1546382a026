//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// TestSnapshots has snapshots taken on a volume, by the schedule and by hand, and restores documents by the commands of docs/snapshots.md: under
// callers that lose no request, and in an OpenSearch that has lost its volume.
func TestSnapshots(t *testing.T) {
	if os.Getenv("CLUSTER_BACKEND") != "node" {
		t.Skip("CLUSTER_BACKEND is not node: only the cluster without Docker has its Services on this machine")
	}
	rag := newService(newNamespace(t), "papers")
	create(t, &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: rag.Namespace, Name: "papers-backups"},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	})
	rag.Spec.OpenSearch.Snapshots = &v1alpha1.SnapshotsSpec{
		Repository: v1alpha1.SnapshotRepository{ClaimName: "papers-backups"}, Schedule: "* * * * *", Keep: new(int32(2)),
	}
	forMany(t, rag)
	awaitCondition(t, rag, 3*time.Minute, v1alpha1.ConditionSnapshotsReady, metav1.ConditionTrue, v1alpha1.ReasonSnapshotTaken)
	edit(t, rag, func(spec *v1alpha1.RAGServiceSpec) { spec.OpenSearch.Snapshots.Schedule = "0 0 1 1 *" })

	before := documentCount(t, rag)
	kubectl(t, rag, "create", "job", "--from=cronjob/papers-snapshots", "by-hand")
	kubectl(t, rag, "wait", "--for=condition=Complete", "job/by-hand", "--timeout=2m")
	lines := strings.Split(strings.TrimSpace(onServer(t, rag, "list")), "\n")
	if len(lines) < 2 || len(lines) > 3 {
		t.Fatalf("the list of snapshots is %q, want a heading and at most the 2 that are kept", lines)
	}
	newest := strings.Fields(lines[1])[0]

	t.Run("under callers", func(t *testing.T) {
		callers := startCallers(t, rag)
		time.Sleep(quietFor) // callers have connections
		service, admin := newServiceClient(t, rag), apiKey(t, rag, "admin")
		service.post(t, "/api/v1/documents", admin, http.StatusOK, map[string]any{"id": "since", "text": "What was written since."})
		callers.killed()
		t.Log(onServer(t, rag, "restore", newest))
		took := time.Since(callers.at)
		callers.awaitQuiet(t)
		seen := callers.stop()
		after := documentCount(t, rag)
		t.Logf("| restored under callers | %.0f s | %d | %s | %d documents, %d before |", took.Seconds(), seen.asked, seen.summary(), after, before)
		for _, f := range seen.failed {
			if !tooBusy(f) {
				t.Errorf("a request failed with %s, %s after the restore began", f.code, f.at.Round(time.Millisecond))
			}
		}
		if r, err := service.do(t.Context(), http.MethodGet, "/api/v1/documents/since", admin, "", nil); err != nil || r.status != http.StatusNotFound {
			t.Errorf("what was written since answers %d, %v", r.status, err)
		}
		if after != before {
			t.Errorf("%d documents, %d before", after, before)
		}
	})
	t.Run("after its volume was lost", func(t *testing.T) {
		kubectl(t, rag, "delete", "pvc", "data-papers-opensearch-0", "--wait=false")
		kubectl(t, rag, "delete", "pod", "papers-opensearch-0")
		kubectl(t, rag, "rollout", "restart", "deployment/papers-server")
		kubectl(t, rag, "rollout", "status", "deployment/papers-server", "--timeout=4m")
		if lost := documentCount(t, rag); lost != 0 {
			t.Fatalf("%d documents before they are restored", lost)
		}
		t.Log(onServer(t, rag, "restore", newest))
		if after := documentCount(t, rag); after != before {
			t.Errorf("%d documents, %d before", after, before)
		}
		awaitReady(t, rag)
		newServiceClient(t, rag).post(t, "/api/v1/search", apiKey(t, rag, "client"), http.StatusOK, map[string]any{"query": commonWord})
	})
}

// onServer runs ragserver snapshots in the pod of a server.
func onServer(t *testing.T, rag *v1alpha1.RAGService, arguments ...string) string {
	t.Helper()
	return kubectl(t, rag, append([]string{"exec", "deployment/" + rag.Name + "-server", "--", "/ragserver", "snapshots"}, arguments...)...)
}

// kubectl runs in the namespace of a service.
func kubectl(t *testing.T, rag *v1alpha1.RAGService, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "kubectl", append([]string{"-n", rag.Namespace}, arguments...)...).CombinedOutput()
	if err != nil {
		t.Fatal(fmt.Errorf("kubectl %s: %w\n%s", strings.Join(arguments, " "), err, out))
	}
	return string(out)
}
