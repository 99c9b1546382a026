package controller_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/controller"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// servers is the Deployment of the servers of rag.
func (w *world) servers(rag *v1alpha1.RAGService) *appsv1.Deployment {
	w.t.Helper()
	var d appsv1.Deployment
	w.awaits(rag, desired.ComponentServer, &d)
	return &d
}

// upgraded are two services that were Ready when the operator was replaced by one with another image, for one service at a time.
func (w *world) upgraded() (papers, letters *v1alpha1.RAGService) {
	w.t.Helper()
	first := w.startOperator()
	papers, letters = w.service(), w.service()
	letters.Name = "letters"
	for _, rag := range []*v1alpha1.RAGService{papers, letters} {
		w.ready(rag)
	}
	first.stop()
	w.startOperatorWith(func(o *controller.Options) {
		o.Operator.Images.Server, o.MaxConcurrentRolls = "ragserver:newer", 1
	})
	return papers, letters
}

// Another image by a flag of the operator comes to one service after the other; a user's own change waits for nobody.
func TestOperatorReplacesThePodsOfFewServicesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	papers, letters := w.upgraded()
	isNewer := func(rag *v1alpha1.RAGService) bool {
		return w.servers(rag).Spec.Template.Spec.Containers[0].Image == "ragserver:newer"
	}
	rolled, waiting := papers, letters
	w.eventually(func() string {
		if isNewer(letters) {
			rolled, waiting = letters, papers
		}
		if !isNewer(rolled) {
			return "no service has the newer image"
		}
		return ""
	})
	w.eventuallyShows(waiting, map[string]string{"Reconciling": "True/RollQueued", "Ready": "True/Ready"})
	if isNewer(waiting) {
		t.Error("the other service does not wait")
	}
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: desired.Name(waiting.Name, desired.ComponentServer)}}
	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(budget), budget))
	before := budget.DeepCopy()
	budget.Spec.MaxUnavailable = new(intstr.FromInt32(2))
	w.must(w.Patch(t.Context(), budget, client.MergeFrom(before)))
	w.eventually(func() string {
		w.must(w.Get(t.Context(), client.ObjectKeyFromObject(budget), budget))
		if budget.Spec.MaxUnavailable.IntValue() != 1 || isNewer(waiting) {
			return "what somebody changes is not set right meanwhile"
		}
		return ""
	})

	w.edit(waiting, func(s *v1alpha1.RAGServiceSpec) { s.Server.Replicas = new(int32(3)) })
	w.eventually(func() string {
		if !isNewer(waiting) {
			return "what a user changed waits too"
		}
		return ""
	})
}

// The next service has its turn once the pods of the one before are ready.
func TestRollsFollowEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	papers, letters := w.upgraded()
	newer := map[string]bool{}
	w.eventually(func() string {
		for _, rag := range []*v1alpha1.RAGService{papers, letters} {
			servers := w.servers(rag)
			if servers.Spec.Template.Spec.Containers[0].Image != "ragserver:newer" {
				continue
			}
			newer[rag.Name] = true
			if servers.Status.ObservedGeneration < servers.Generation { // as its controller does once its pods are replaced
				w.reportServers(servers, 2)
			}
		}
		if len(newer) < 2 {
			return "not both have the newer image"
		}
		return ""
	})
}
