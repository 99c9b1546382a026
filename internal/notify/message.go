package notify

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// Message is what Alertmanager sends to webhooks
// (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config), with one alert in it.
type Message struct {
	Version           string            `json:"version"`
	GroupKey          string            `json:"groupKey"`
	TruncatedAlerts   uint64            `json:"truncatedAlerts"`
	Status            string            `json:"status"`
	Receiver          string            `json:"receiver"`
	GroupLabels       map[string]string `json:"groupLabels"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	ExternalURL       string            `json:"externalURL"`
	Alerts            []Alert           `json:"alerts"`
}

// Alert is an alert of a Message.
type Alert struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	// EndsAt is the zero time of Go while the alert is raised.
	EndsAt       time.Time `json:"endsAt"`
	GeneratorURL string    `json:"generatorURL"`
	Fingerprint  string    `json:"fingerprint"`
}

// Values of Message.Status and Alert.Status.
const (
	Firing   = "firing"
	Resolved = "resolved"
)

// receiver is what Message.Receiver says.
const receiver = "ragservice-operator"

// body is the message of a notice. It is the same each time but for the value of the alert.
func body(rag *v1alpha1.RAGService, n status.Notice) ([]byte, error) {
	group := model.LabelSet{
		model.AlertNameLabel: model.LabelValue("RAGService" + n.Name), "namespace": model.LabelValue(rag.Namespace), "name": model.LabelValue(rag.Name),
	}
	labels := group.Merge(model.LabelSet{"severity": model.LabelValue(severity(n.Name))})
	alert := Alert{
		Status: Firing, Labels: words(labels), Annotations: annotations(rag, n), StartsAt: time.Unix(n.Since, 0).UTC(),
		Fingerprint: labels.Fingerprint().String(),
	}
	if n.Resolved() {
		alert.Status, alert.EndsAt = Resolved, time.Unix(n.EndedAt, 0).UTC()
	}
	return json.Marshal(Message{
		Version: "4", GroupKey: "{}:" + group.String(), Status: alert.Status, Receiver: receiver,
		GroupLabels: words(group), CommonLabels: alert.Labels, CommonAnnotations: alert.Annotations, Alerts: []Alert{alert},
	})
}

func words(labels model.LabelSet) map[string]string {
	out := make(map[string]string, len(labels))
	for name, value := range labels {
		out[string(name)] = string(value)
	}
	return out
}

func annotations(rag *v1alpha1.RAGService, n status.Notice) map[string]string {
	summary := fmt.Sprintf("%s of RAGService %s/%s is at %s, its threshold is %s", n.Name, rag.Namespace, rag.Name, n.Value, n.Threshold)
	if n.Resolved() {
		summary = fmt.Sprintf("%s of RAGService %s/%s is no longer beyond its threshold, or no longer judged", n.Name, rag.Namespace, rag.Name)
	}
	return map[string]string{"summary": summary}
}

// severity tells alerts that wake somebody from others.
func severity(name v1alpha1.AlertName) string {
	switch name {
	case v1alpha1.AlertErrorRate, v1alpha1.AlertLLMAvailability:
		return "critical"
	default:
		return "warning"
	}
}
