package desired

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// ReceiversKind is the kind by which Prometheus Operator tells Alertmanager who is told of alerts.
var ReceiversKind = schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1alpha1", Kind: "AlertmanagerConfig"}

// Receivers of the AlertmanagerConfig.
const (
	receiverAll      = "all"
	receiverCritical = "critical"
)

// receiversName is the name of the AlertmanagerConfig.
func receiversName(service string) string { return service + "-alerts" }

// NamedSecret is an entry of a Secret that the spec names, and the path of the reference.
type NamedSecret struct {
	Field string
	Ref   v1alpha1.SecretKeyReference
}

// ReceiverSecrets are the entries that spec.alerts.receivers names.
func ReceiverSecrets(rag *v1alpha1.RAGService) (all []NamedSecret) {
	given := rag.Spec.Alerts.Receivers
	if given == nil {
		return nil
	}
	const field = "spec.alerts.receivers."
	if given.Email != nil && given.Email.AuthPasswordSecretRef != nil {
		all = append(all, NamedSecret{field + "email.authPasswordSecretRef", *given.Email.AuthPasswordSecretRef})
	}
	if given.Slack != nil {
		all = append(all, NamedSecret{field + "slack.webhookURLSecretRef", given.Slack.WebhookURLSecretRef})
	}
	if given.PagerDuty != nil {
		all = append(all, NamedSecret{field + "pagerDuty.routingKeySecretRef", given.PagerDuty.RoutingKeySecretRef})
	}
	if given.SMS != nil {
		all = append(all, NamedSecret{field + "sms.webhookURLSecretRef", given.SMS.WebhookURLSecretRef})
	}
	if given.Webhook != nil && given.Webhook.URLSecretRef != nil {
		all = append(all, NamedSecret{field + "webhook.urlSecretRef", *given.Webhook.URLSecretRef})
	}
	return all
}

// NeedsAlertmanager are the receivers that Alertmanager delivers to, by the names of their fields.
func NeedsAlertmanager(rag *v1alpha1.RAGService) (names []string) {
	given := rag.Spec.Alerts.Receivers
	if given == nil {
		return nil
	}
	for _, each := range []struct {
		name  string
		given bool
	}{
		{"email", given.Email != nil}, {"slack", given.Slack != nil}, {"pagerDuty", given.PagerDuty != nil}, {"sms", given.SMS != nil},
	} {
		if each.given {
			names = append(names, each.name)
		}
	}
	return names
}

// alertReceivers is the AlertmanagerConfig, where the API server serves that kind. spec.alerts.receivers.webhook is the operator's own work.
func (b build) alertReceivers(p part) []Object {
	if !NeedsKind(p.service, ReceiversKind) || !slices.Contains(b.Served, ReceiversKind) {
		return nil
	}
	return []Object{object(p, newAlertmanagerConfig(p, p.service.Spec.Alerts.Receivers))}
}

// alertmanagerConfigSpec is what the operator sets of one
// (https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1alpha1.AlertmanagerConfigSpec).
type alertmanagerConfigSpec struct {
	Route     alertRoute      `json:"route"`
	Receivers []alertReceiver `json:"receivers"`
}

type alertRoute struct {
	Receiver string         `json:"receiver"`
	GroupBy  []string       `json:"groupBy,omitempty"`
	Matchers []alertMatcher `json:"matchers,omitempty"`
	Continue bool           `json:"continue,omitempty"`
	Routes   []alertRoute   `json:"routes,omitempty"`
}

type alertMatcher struct {
	Name      string `json:"name"`
	Value     string `json:"value"`
	MatchType string `json:"matchType"`
}

type alertReceiver struct {
	Name             string            `json:"name"`
	EmailConfigs     []emailConfig     `json:"emailConfigs,omitempty"`
	SlackConfigs     []slackConfig     `json:"slackConfigs,omitempty"`
	PagerDutyConfigs []pagerDutyConfig `json:"pagerdutyConfigs,omitempty"`
	WebhookConfigs   []webhookConfig   `json:"webhookConfigs,omitempty"`
}

// secretKey is a reference to an entry of a Secret, as Kubernetes' own types have it.
type secretKey struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

type emailConfig struct {
	SendResolved bool       `json:"sendResolved"`
	To           string     `json:"to"`
	From         string     `json:"from"`
	Smarthost    string     `json:"smarthost"`
	AuthUsername string     `json:"authUsername,omitempty"`
	AuthPassword *secretKey `json:"authPassword,omitempty"`
}

type slackConfig struct {
	SendResolved bool      `json:"sendResolved"`
	APIURL       secretKey `json:"apiURL"`
	Channel      string    `json:"channel,omitempty"`
}

type pagerDutyConfig struct {
	SendResolved bool      `json:"sendResolved"`
	RoutingKey   secretKey `json:"routingKey"`
	URL          string    `json:"url,omitempty"`
	Severity     string    `json:"severity"`
}

type webhookConfig struct {
	SendResolved bool      `json:"sendResolved"`
	URLSecret    secretKey `json:"urlSecret"`
}

// newAlertmanagerConfig tells email and Slack of every alert of this RAGService, and PagerDuty and text messages of critical ones as well.
// Alertmanager takes the first route that matches, and goes on to the next one where that says so.
func newAlertmanagerConfig(p part, given *v1alpha1.AlertReceivers) *custom[alertmanagerConfigSpec] {
	all, critical := alertReceiver{Name: receiverAll}, alertReceiver{Name: receiverCritical}
	if e := given.Email; e != nil {
		to := make([]string, len(e.To))
		for i, address := range e.To {
			to[i] = string(address)
		}
		config := emailConfig{
			SendResolved: true, To: strings.Join(to, ", "), From: string(e.From), Smarthost: e.Smarthost, AuthUsername: e.AuthUsername,
		}
		if e.AuthPasswordSecretRef != nil {
			config.AuthPassword = new(entry(*e.AuthPasswordSecretRef))
		}
		all.EmailConfigs = []emailConfig{config}
	}
	if s := given.Slack; s != nil {
		all.SlackConfigs = []slackConfig{{SendResolved: true, APIURL: entry(s.WebhookURLSecretRef), Channel: s.Channel}}
	}
	if d := given.PagerDuty; d != nil {
		critical.PagerDutyConfigs = []pagerDutyConfig{{
			SendResolved: true, RoutingKey: entry(d.RoutingKeySecretRef), URL: d.URL, Severity: string(alerts.Critical), // a word of PagerDuty, too
		}}
	}
	if s := given.SMS; s != nil {
		critical.WebhookConfigs = []webhookConfig{{SendResolved: true, URLSecret: entry(s.WebhookURLSecretRef)}}
	}
	return newCustom(ReceiversKind, receiversName(p.service.Name), p.namespace(), alertmanagerConfigSpec{
		Route: alertRoute{
			Receiver: receiverAll, GroupBy: []string{alerts.LabelAlert}, Matchers: []alertMatcher{matches(alerts.LabelName, p.service.Name)},
			Routes: []alertRoute{
				{Receiver: receiverCritical, Matchers: []alertMatcher{matches(alerts.LabelSeverity, string(alerts.Critical))}, Continue: true},
				{Receiver: receiverAll},
			},
		},
		Receivers: []alertReceiver{all, critical},
	})
}

func entry(ref v1alpha1.SecretKeyReference) secretKey { return secretKey{ref.Name, ref.Key} }

func matches(name, value string) alertMatcher { return alertMatcher{name, value, "="} }
