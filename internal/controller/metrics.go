package controller

import (
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
)

var (
	changesMade = registered(prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ragservice_operator_child_changes_total",
		Help: "Children that were written, by what was done: created, recreated, updated, drift_repaired, deleted, replaced, rotated, renewed.",
	}, []string{"change", "kind"}))
	applyFailures = registered(prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ragservice_operator_apply_failures_total",
		Help: "Children that could not be written, by why: NameConflict, ApplyFailed (refused), ReconcileFailed (tried again), Conflict (the cache was behind).",
	}, []string{"reason", "kind"}))
	rollouts = registered(prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "ragservice_operator_rollout_in_progress",
		Help: "1 while pods of a RAGService are being replaced.",
	}, []string{"namespace", "name"}))
	statusWrites = registered(prometheus.NewCounter(prometheus.CounterOpts{
		Name: "ragservice_operator_status_writes_total",
		Help: "Writes of the status of RAGServices.",
	}))
	conditions = registered(prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "ragservice_operator_condition",
		Help: "Conditions of RAGServices: 1 for True, 0 for False, -1 for Unknown.",
	}, []string{"namespace", "name", "type"}))
)

// registered adds a metric to those that the manager serves.
func registered[C prometheus.Collector](metric C) C {
	metrics.Registry.MustRegister(metric)
	return metric
}

func countChanges(c changes) {
	for change, refs := range map[string][]apply.Ref{
		"created": c.Created, "recreated": c.recreated, "updated": c.Updated, "drift_repaired": c.Drifted,
		"deleted": c.Deleted, "replaced": c.Replaced, "rotated": c.Rotated, "renewed": c.Renewed,
	} {
		for _, ref := range refs {
			changesMade.WithLabelValues(change, ref.Kind).Inc()
		}
	}
}

// countFailures counts the children that a pass could not write. One that the garbage collector still works on is none of them.
func countFailures(passErr error) {
	for _, f := range apply.Failures(passErr) {
		reason := f.Reason()
		switch {
		case apierrors.IsConflict(f.Err):
			reason = "Conflict"
		case reason == v1alpha1.ReasonProgressing:
			continue
		}
		applyFailures.WithLabelValues(reason, f.Kind).Inc()
	}
}

// showService shows what a pass found of a RAGService.
func showService(rag *v1alpha1.RAGService, rolling bool) {
	value := 0.0
	if rolling {
		value = 1
	}
	rollouts.WithLabelValues(rag.Namespace, rag.Name).Set(value)
	showConditions(rag)
}

func showConditions(rag *v1alpha1.RAGService) {
	for _, absent := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} { // present only when True
		conditions.WithLabelValues(rag.Namespace, rag.Name, absent).Set(0)
	}
	for _, c := range rag.Status.Conditions {
		value := map[metav1.ConditionStatus]float64{metav1.ConditionTrue: 1, metav1.ConditionFalse: 0}
		v, known := value[c.Status]
		if !known {
			v = -1
		}
		conditions.WithLabelValues(rag.Namespace, rag.Name, c.Type).Set(v)
	}
}

// forgetService ends the series of a RAGService that is gone, or that another operator works on.
func forgetService(key types.NamespacedName) {
	conditions.DeletePartialMatch(prometheus.Labels{"namespace": key.Namespace, "name": key.Name})
	rollouts.DeleteLabelValues(key.Namespace, key.Name)
}
