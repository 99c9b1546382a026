//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// takesUpSettings changes a TTL and a limit: ConfigApplied says when, and the same pods run on.
func takesUpSettings(t *testing.T, rag *v1alpha1.RAGService) {
	before := serverPods(t, rag)
	edit(t, rag, func(s *v1alpha1.RAGServiceSpec) {
		s.Cache.TTL.Search = "2h"
		s.RateLimits.Endpoints = []v1alpha1.EndpointLimit{{Name: v1alpha1.EndpointSearch, RequestsPerMinute: 77}}
	})
	awaitCondition(t, rag, 10*time.Second, v1alpha1.ConditionConfigApplied, metav1.ConditionFalse, v1alpha1.ReasonPropagating)
	if ready, err := condition(t.Context(), rag, v1alpha1.ConditionReady); err != nil || ready.Status != metav1.ConditionTrue {
		t.Errorf("Ready is %s/%s while settings are on their way (%v)", ready.Status, ready.Reason, err)
	}
	awaitCondition(t, rag, settingsTimeout, v1alpha1.ConditionConfigApplied, metav1.ConditionTrue, v1alpha1.ReasonApplied)
	r := newServiceClient(t, rag).post(t, "/api/v1/search", apiKey(t, rag, "client"), http.StatusOK, map[string]any{"query": "wing"})
	if got := r.header.Get("X-RateLimit-Limit"); got != "77" {
		t.Errorf("the limit is %s, want 77", got)
	}
	for i, p := range serverPods(t, rag) {
		if p.UID != before[i].UID || p.Status.ContainerStatuses[0].RestartCount != before[i].Status.ContainerStatuses[0].RestartCount {
			t.Errorf("the server %s was restarted", before[i].Name)
		}
	}
}

// badImage rolls to an image that does not exist, is told so in time, and rolls back.
func badImage(t *testing.T, rag *v1alpha1.RAGService) {
	edit(t, rag, func(s *v1alpha1.RAGServiceSpec) { s.Server.Image = "ragservice.invalid/no/such:image" })
	awaitCondition(t, rag, tellTimeout, v1alpha1.ConditionServerReady, metav1.ConditionFalse, v1alpha1.ReasonPodFailing)
	if len(rag.Status.Diagnostics) == 0 || rag.Status.Diagnostics[0].Container != "server" || rag.Status.Diagnostics[0].Next == "" {
		t.Errorf("diagnostics are %+v", rag.Status.Diagnostics)
	}
	// The pods of the image before go on answering.
	newServiceClient(t, rag).post(t, "/api/v1/search", apiKey(t, rag, "client"), http.StatusOK, map[string]any{"query": "wing"})
	edit(t, rag, func(s *v1alpha1.RAGServiceSpec) { s.Server.Image = "" })
	awaitReady(t, rag)
	eventually(t, tellTimeout, "the diagnostics go", func() error {
		if err := kube.Get(t.Context(), client.ObjectKeyFromObject(rag), rag); err != nil {
			return err
		}
		if len(rag.Status.Diagnostics) > 0 {
			return fmt.Errorf("%+v", rag.Status.Diagnostics)
		}
		return nil
	})
}
