package status_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

func receivers(given v1alpha1.AlertReceivers) change {
	return func(p *status.Pass) { p.Service.Spec.Alerts.Receivers = &given }
}

func delivered(d status.Deliveries) change {
	return func(p *status.Pass) { p.Deliveries = d }
}

func before(reason string) change {
	return func(p *status.Pass) {
		for i := range p.Service.Status.Conditions {
			if c := &p.Service.Status.Conditions[i]; c.Type == v1alpha1.ConditionMonitoringReady {
				c.Status, c.Reason, c.Message = metav1.ConditionFalse, reason, "as it was"
			}
		}
	}
}

func firing(name v1alpha1.AlertName, since time.Time) change {
	return func(p *status.Pass) {
		p.Observed.Poll.Traffic = status.Traffic{}
		p.Service.Status.Alerts = []v1alpha1.AlertStatus{{Name: name, Since: metav1.NewTime(since), Value: "10%", Threshold: "5%"}}
	}
}

func toldOf(all ...v1alpha1.AlertNotification) change {
	return func(p *status.Pass) { p.Service.Status.Notified = all }
}

var (
	webhook = v1alpha1.AlertReceivers{Webhook: &v1alpha1.WebhookReceiver{URL: "https://alerts.example.com"}}
	mail    = v1alpha1.AlertReceivers{Email: &v1alpha1.EmailReceiver{To: []v1alpha1.EmailAddress{"a@example.com"}, From: "b@example.com", Smarthost: "smtp:25"}}
)

func TestWhatKeepsAlertsFromReceivers(t *testing.T) {
	t.Parallel()
	withConfig := func(p *status.Pass) {
		p.State.Components = []desired.ComponentPlan{{Name: desired.ComponentServer, Objects: []desired.Object{{GVK: desired.ReceiversKind}}}}
	}
	missing := func(p *status.Pass) {
		p.Secrets.ReceiverProblems = []desired.SecretProblem{{Field: "spec.alerts.receivers.slack.webhookURLSecretRef", Secret: "alerts", Key: "url", Reason: "SecretNotFound"}}
	}
	failing := delivered(status.Deliveries{Failing: "it answers with status 500"})
	for name, test := range map[string]struct {
		changes []change
		want    string
	}{
		"no Alertmanager to tell":             {[]change{receivers(mail)}, "False/NoAlertmanager"},
		"an Alertmanager to tell":             {[]change{receivers(mail), withConfig}, "True/NotConfigured"},
		"a webhook needs none":                {[]change{receivers(webhook)}, "True/NotConfigured"},
		"no receivers":                        {nil, "True/NotConfigured"},
		"a Secret is missing":                 {[]change{receivers(mail), withConfig, missing}, "False/SecretNotFound"},
		"a webhook fails":                     {[]change{receivers(webhook), failing}, "False/DeliveryFailed"},
		"a webhook failed before":             {[]change{receivers(webhook), before("DeliveryFailed"), firing("ErrorRate", start)}, "False/DeliveryFailed"},
		"what it failed to take is outdated":  {[]change{receivers(webhook), before("DeliveryFailed")}, "True/NotConfigured"},
		"it took it":                          {[]change{receivers(webhook), before("DeliveryFailed"), firing("ErrorRate", start), delivered(status.Deliveries{Done: []status.Notice{{Name: "ErrorRate", Since: start.Unix()}}})}, "True/NotConfigured"},
		"it took it of a suspended service":   {[]change{receivers(webhook), before("DeliveryFailed"), suspended}, "True/NotConfigured"},
		"a Secret came of a suspended one":    {[]change{receivers(mail), before("SecretNotFound"), suspended}, "True/NotConfigured"},
		"suspended before there was a config": {[]change{receivers(mail), before("NoAlertmanager"), suspended}, "False/NoAlertmanager"},
	} {
		verdict := status.Evaluate(wellPass(test.changes...))
		got := ""
		for _, c := range verdict.Status.Conditions {
			switch c.Type {
			case v1alpha1.ConditionMonitoringReady:
				got = string(c.Status) + "/" + c.Reason
			case v1alpha1.ConditionReady:
				if c.Status != metav1.ConditionTrue {
					t.Errorf("%s: Ready is %s/%s", name, c.Status, c.Reason)
				}
			}
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// TestDeliveriesAreEvents when they begin to fail, and when they no longer do.
func TestDeliveriesAreEvents(t *testing.T) {
	t.Parallel()
	for reason, test := range map[string]struct {
		changes []change
		kind    string
	}{
		"DeliveryFailed": {[]change{delivered(status.Deliveries{Failing: "it answers with status 500"})}, "Warning"},
		"NotConfigured":  {[]change{before("DeliveryFailed")}, "Normal"},
	} {
		verdict := status.Evaluate(wellPass(append(test.changes, receivers(webhook))...))
		if e := verdict.Events; len(e) != 1 || e[0].Reason != reason || e[0].Type != test.kind || e[0].Action != "MonitoringReady" {
			t.Errorf("events %+v, want %s of reason %s", e, test.kind, reason)
		}
	}
}

// TestNotified goes through what a receiver may have been told and what is raised.
func TestNotified(t *testing.T) {
	t.Parallel()
	first, second := start.Add(-time.Hour), start.Add(-time.Minute)
	note := func(since time.Time, ended ...time.Time) v1alpha1.AlertNotification {
		n := v1alpha1.AlertNotification{Name: "ErrorRate", Since: metav1.NewTime(since)}
		for _, at := range ended {
			n.EndedAt = new(metav1.NewTime(at))
		}
		return n
	}
	now := start.Add(time.Hour)
	done := func(since time.Time, ended int64) change {
		return delivered(status.Deliveries{Done: []status.Notice{{Name: "ErrorRate", Since: since.Unix(), EndedAt: ended}}})
	}
	for name, test := range map[string]struct {
		changes []change
		want    []v1alpha1.AlertNotification
		// due are what is to be told next: since, and whether it is an end.
		due string
	}{
		"raised":                        {[]change{firing("ErrorRate", first)}, nil, "raised"},
		"told":                          {[]change{firing("ErrorRate", first), done(first, 0)}, []v1alpha1.AlertNotification{note(first)}, ""},
		"told before":                   {[]change{firing("ErrorRate", first), toldOf(note(first))}, []v1alpha1.AlertNotification{note(first)}, ""},
		"told twice":                    {[]change{firing("ErrorRate", first), toldOf(note(first)), done(first, 0)}, []v1alpha1.AlertNotification{note(first)}, ""},
		"over":                          {[]change{toldOf(note(first))}, []v1alpha1.AlertNotification{note(first, now)}, "over"},
		"over when it was told":         {[]change{done(first, 0)}, []v1alpha1.AlertNotification{note(first, now)}, "over"},
		"over since a while":            {[]change{toldOf(note(first, start))}, []v1alpha1.AlertNotification{note(first, start)}, "over"},
		"told that it is over":          {[]change{toldOf(note(first, start)), done(first, start.Unix())}, nil, ""},
		"over before it was told":       {nil, nil, ""},
		"raised again":                  {[]change{firing("ErrorRate", second), toldOf(note(first))}, []v1alpha1.AlertNotification{note(first, now)}, "over"},
		"raised again, its end told":    {[]change{firing("ErrorRate", second), toldOf(note(first, start)), done(first, start.Unix())}, nil, "raised"},
		"another's end is not this one": {[]change{firing("ErrorRate", second), toldOf(note(second)), done(first, start.Unix())}, []v1alpha1.AlertNotification{note(second)}, ""},
		"over, and another's end told":  {[]change{toldOf(note(second, start)), done(first, start.Unix())}, []v1alpha1.AlertNotification{note(second, start)}, "over"},
	} {
		pass := wellPass(append([]change{receivers(webhook)}, test.changes...)...)
		next := pass.Service.DeepCopy()
		next.Status = status.Evaluate(pass).Status
		if diff := cmp.Diff(test.want, next.Status.Notified); diff != "" {
			t.Errorf("%s: status.notified (-want +got):\n%s", name, diff)
		}
		var due []string
		for _, n := range status.DueNotices(next) {
			due = append(due, map[bool]string{true: "over", false: "raised"}[n.Resolved()])
		}
		if got := strings.Join(due, " "); got != test.due {
			t.Errorf("%s: to be told: %q, want %q", name, got, test.due)
		}
		pass.Service.Spec.Alerts.Receivers, next.Spec.Alerts.Receivers = nil, nil
		if next.Status = status.Evaluate(pass).Status; len(next.Status.Notified) > 0 || len(status.DueNotices(next)) > 0 {
			t.Errorf("%s: there is something to be told and nobody to be told", name)
		}
	}
}
