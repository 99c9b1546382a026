package controller

import (
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
)

var (
	changesMade = registered(prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ragservice_operator_child_changes_total",
		Help: "Children that were written, by what was done: created, recreated, updated, drift_repaired, deleted, replaced.",
	}, []string{"change"}))
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
		"deleted": c.Deleted, "replaced": c.Replaced,
	} {
		changesMade.WithLabelValues(change).Add(float64(len(refs)))
	}
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

func forgetConditions(key types.NamespacedName) {
	conditions.DeletePartialMatch(prometheus.Labels{"namespace": key.Namespace, "name": key.Name})
}
