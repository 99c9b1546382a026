package notify

import (
	"encoding/json"
	"maps"
	"time"

	"github.com/prometheus/common/model"

	"github.com/ragservice/ragservice-operator/alerts"
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

// body is the message of a notice of an alert. It is the same each time but for the value of the alert.
func body(rag *v1alpha1.RAGService, of alerts.Alert, n status.Notice) ([]byte, error) {
	labels := of.Labels(rag)
	labels[alerts.LabelAlert] = alerts.RuleName(of.Name)
	group := maps.Clone(labels)
	delete(group, alerts.LabelSeverity)
	alert := Alert{
		Status: Firing, Labels: labels, Annotations: of.Annotations(rag, n.Threshold, n.Value), StartsAt: time.Unix(n.Since, 0).UTC(),
		Fingerprint: labelSet(labels).Fingerprint().String(),
	}
	if n.Resolved() {
		alert.Status, alert.EndsAt, alert.Annotations = Resolved, time.Unix(n.EndedAt, 0).UTC(), of.EndedAnnotations(rag)
	}
	return json.Marshal(Message{
		Version: "4", GroupKey: "{}:" + labelSet(group).String(), Status: alert.Status, Receiver: receiver,
		GroupLabels: group, CommonLabels: alert.Labels, CommonAnnotations: alert.Annotations, Alerts: []Alert{alert},
	})
}

func labelSet(labels map[string]string) model.LabelSet {
	set := make(model.LabelSet, len(labels))
	for name, value := range labels {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	return set
}
