package offline_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/test/controlplane"
)

// TestColumns is what kubectl get shows, by the short name too; `get all` leaves RAGServices out.
func TestColumns(t *testing.T) {
	api := newClient(t)
	if err := create(t, api, manifest("columns", extractive+"  server: {replicas: 3}\n")); err != nil {
		t.Fatal(err)
	}
	var rag v1alpha1.RAGService
	if err := api.Get(t.Context(), client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: "columns"}, &rag); err != nil {
		t.Fatal(err)
	}
	rag.Status.ReadyReplicas = new(int32(2))
	if err := api.Status().Update(t.Context(), &rag); err != nil {
		t.Fatal(err)
	}
	kubeconfig := controlplane.Kubeconfig(t, controlplane.Start(t))
	get := func(what ...string) string {
		t.Helper()
		args := append([]string{"--kubeconfig", kubeconfig, "get"}, what...)
		out, err := exec.CommandContext(t.Context(), controlplane.Program(t, "kubectl"), args...).CombinedOutput()
		if err != nil {
			t.Fatalf("kubectl get %v: %v: %s", what, err, out)
		}
		return string(out)
	}
	for _, name := range []string{"rag", "ragservice"} {
		header, row, _ := strings.Cut(get(name, "columns"), "\n")
		if want := []string{"NAME", "READY", "DESIRED", "AVAILABLE", "HIT", "RATE", "ENDPOINT", "AGE"}; !slices.Equal(strings.Fields(header), want) {
			t.Errorf("%s: columns %q", name, header)
		}
		if fields := strings.Fields(row); len(fields) < 3 || fields[1] != "3" || fields[2] != "2" { // Ready, unknown, is empty
			t.Errorf("%s: row %q does not show 2 of 3 replicas", name, row)
		}
	}
	if all := get("all"); strings.Contains(all, "columns") {
		t.Errorf("kubectl get all shows RAGServices: %s", all)
	}
}
