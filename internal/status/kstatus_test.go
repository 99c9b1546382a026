package status_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	judge "github.com/ragservice/ragservice-operator/internal/status"
)

// TestKstatusAgrees has the library by which Flux and others wait read each status of TestEvaluate.
func TestKstatusAgrees(t *testing.T) {
	t.Parallel()
	for _, c := range evaluations {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			service := wellPass(c.changes...).Service
			service.APIVersion, service.Kind = "ragservice.dev/v1alpha1", "RAGService"
			service.Status = judge.Evaluate(wellPass(c.changes...)).Status
			fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(service)
			if err != nil {
				t.Fatal(err)
			}
			got, err := status.Compute(&unstructured.Unstructured{Object: fields})
			if err != nil {
				t.Fatal(err)
			}
			if want := claimed(outcomes(service.Status)); got.Status != want {
				t.Errorf("kstatus %s (%s), want %s", got.Status, got.Message, want)
			}
		})
	}
}

// claimed is what the conditions mean to a tool that waits.
func claimed(conditions map[string]string) status.Status {
	switch {
	case conditions["Ready"] == "False/Deleting":
		return status.TerminatingStatus
	case conditions["Stalled"] != "":
		return status.FailedStatus
	case conditions["Reconciling"] == "" && strings.HasPrefix(conditions["Ready"], "True/"):
		return status.CurrentStatus
	default:
		return status.InProgressStatus
	}
}
