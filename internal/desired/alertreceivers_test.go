package desired_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

func alertsEntry(key string) *corev1.SecretKeySelector {
	return &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "alerts"}, Key: key}
}

// TestReceivers: email and Slack are told of all alerts, PagerDuty and text messages of critical ones, and of the ends of the same. The webhook is
// the operator's.
func TestReceivers(t *testing.T) {
	t.Parallel()
	rag := desiredtest.Smallest()
	rag.Spec.Alerts.Receivers = desiredtest.Receivers()
	in := desiredtest.Inputs(rag)
	in.Served = desired.CustomKinds()
	made := find[monitoring.AlertmanagerConfig](t, build(t, in), "AlertmanagerConfig", "papers-alerts")
	equal := func(name, value string) []monitoring.Matcher {
		return []monitoring.Matcher{{Name: name, Value: value, MatchType: monitoring.MatchEqual}}
	}
	if got := made.Spec.Route; got.Receiver != "all" || !cmp.Equal(got.Matchers, equal("name", "papers")) || !cmp.Equal(got.GroupBy, []string{"alertname"}) {
		t.Errorf("the route of all alerts: %+v", got)
	}
	children, err := made.Spec.Route.ChildRoutes()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]monitoring.Route{
		{Receiver: "critical", Matchers: equal("severity", "critical"), Continue: true}, {Receiver: "all"},
	}, children); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	want := []monitoring.Receiver{
		{
			Name: "all",
			EmailConfigs: []monitoring.EmailConfig{{
				SendResolved: new(true), To: new("oncall@example.com, search@example.com"), From: new("rag@example.com"),
				Smarthost: new("smtp.example.com:587"), AuthUsername: new("rag"), AuthPassword: alertsEntry("smtp-password"),
			}},
			SlackConfigs: []monitoring.SlackConfig{{SendResolved: new(true), APIURL: alertsEntry("slack-url"), Channel: new("#search")}},
		},
		{
			Name: "critical",
			PagerDutyConfigs: []monitoring.PagerDutyConfig{{
				SendResolved: new(true), RoutingKey: alertsEntry("pagerduty-key"), Severity: new("critical"),
				URL: new(monitoring.URL("https://events.eu.pagerduty.com/v2/enqueue")),
			}},
			WebhookConfigs: []monitoring.WebhookConfig{{SendResolved: new(true), URLSecret: alertsEntry("sms-url")}},
		},
	}
	if diff := cmp.Diff(want, made.Spec.Receivers); diff != "" {
		t.Errorf("receivers (-want +got):\n%s", diff)
	}
	if len(desired.ReceiverSecrets(rag)) != 5 {
		t.Errorf("Secrets %v", desired.ReceiverSecrets(rag))
	}
}

// TestNoReceivers: nothing is made for nobody, for a webhook alone, or where nobody reads it.
func TestNoReceivers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		given  *v1alpha1.AlertReceivers
		served bool
	}{
		"nobody":             {nil, true},
		"a webhook alone":    {&v1alpha1.AlertReceivers{Webhook: &v1alpha1.WebhookReceiver{URL: "http://alerts"}}, true},
		"nobody that reads":  {desiredtest.Receivers(), false},
		"an empty receivers": {&v1alpha1.AlertReceivers{}, true},
	} {
		rag := desiredtest.Smallest()
		rag.Spec.Alerts.Receivers = test.given
		in := desiredtest.Inputs(rag)
		if test.served {
			in.Served = desired.CustomKinds()
		}
		if slices.ContainsFunc(build(t, in).Objects(), func(o desired.Object) bool { return o.GVK == desired.ReceiversKind }) {
			t.Errorf("%s: there is an AlertmanagerConfig", name)
		}
	}
}
