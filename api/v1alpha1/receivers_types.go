package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AlertReceivers are who is told when an alert is raised and when it is over. email, slack, pagerDuty and sms are delivered by Alertmanager, by an
// AlertmanagerConfig of Prometheus Operator; webhook by the operator itself, which needs neither. docs/alert-receivers.md tells more.
type AlertReceivers struct {
	// email is told of every alert.
	// +optional
	Email *EmailReceiver `json:"email,omitempty"`
	// slack is told of every alert.
	// +optional
	Slack *SlackReceiver `json:"slack,omitempty"`
	// pagerDuty is told of critical alerts alone.
	// +optional
	PagerDuty *PagerDutyReceiver `json:"pagerDuty,omitempty"`
	// sms is told of critical alerts alone.
	// +optional
	SMS *SMSReceiver `json:"sms,omitempty"`
	// webhook is told of every alert by the operator.
	// +optional
	Webhook *WebhookReceiver `json:"webhook,omitempty"`
}

// EmailAddress is where mail goes to or comes from.
//
// +kubebuilder:validation:MinLength=3
// +kubebuilder:validation:MaxLength=254
// +kubebuilder:validation:XValidation:rule="self.matches('^[^@ ,;<>()[:cntrl:]]+@[^@ ,;<>()[:cntrl:]]+$')",message="must be one address without a name, such as oncall@example.com"
type EmailAddress string

// EmailReceiver is mail by SMTP with TLS.
// +kubebuilder:validation:XValidation:rule="has(self.authUsername) == has(self.authPasswordSecretRef)",message="spec.alerts.receivers.email has one of authUsername and authPasswordSecretRef: set the other too, or remove it"
type EmailReceiver struct {
	// to are who gets it. 1 to 16.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=set
	// +required
	To []EmailAddress `json:"to,omitempty"`
	// from is who it is from.
	// +required
	From EmailAddress `json:"from,omitempty"`
	// smarthost is the server that takes the mail, as host:port: smtp.example.com:587.
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=259
	// +kubebuilder:validation:XValidation:rule="self.matches('^([^][@:/[:space:]]+|[[][0-9a-fA-F:.]+]):[0-9]{1,5}$')",message="must be host:port, such as smtp.example.com:587"
	// +required
	Smarthost string `json:"smarthost,omitempty"`
	// authUsername is the user that logs in there. Default: nobody does.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=254
	// +optional
	AuthUsername string `json:"authUsername,omitempty"`
	// authPasswordSecretRef is that user's password.
	// +optional
	AuthPasswordSecretRef *SecretKeyReference `json:"authPasswordSecretRef,omitempty"`
}

// SlackReceiver is a channel of Slack, or of what takes its incoming webhooks.
type SlackReceiver struct {
	// webhookURLSecretRef is the URL of the incoming webhook.
	// +required
	WebhookURLSecretRef SecretKeyReference `json:"webhookURLSecretRef,omitzero"`
	// channel it is sent to. Default: the webhook's own.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=80
	// +optional
	Channel string `json:"channel,omitempty"`
}

// PagerDutyReceiver is a service of PagerDuty, by its Events API v2.
type PagerDutyReceiver struct {
	// routingKeySecretRef is the integration key of the service.
	// +required
	RoutingKeySecretRef SecretKeyReference `json:"routingKeySecretRef,omitzero"`
	// url of the API. Default https://events.pagerduty.com/v2/enqueue; that of accounts in Europe is events.eu.pagerduty.com.
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^@?#[:space:]]+$') && isURL(self)",message="must be an http or https URL without user, query or fragment, such as https://events.eu.pagerduty.com/v2/enqueue"
	// +optional
	URL string `json:"url,omitempty"`
}

// SMSReceiver is a gateway that turns webhooks of Alertmanager into text messages.
type SMSReceiver struct {
	// webhookURLSecretRef is the URL of the gateway.
	// +required
	WebhookURLSecretRef SecretKeyReference `json:"webhookURLSecretRef,omitzero"`
}

// WebhookReceiver takes the webhooks of Alertmanager (version 4), which the operator sends. It is not in the AlertmanagerConfig.
// +kubebuilder:validation:XValidation:rule="has(self.url) != has(self.urlSecretRef)",message="spec.alerts.receivers.webhook needs url or urlSecretRef, and not both: a URL that holds a token belongs into a Secret"
type WebhookReceiver struct {
	// url that alerts are posted to.
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://([^][@?#/:[:space:]]+|[[][0-9a-fA-F:.]+])(:[0-9]{1,5})?(/[^@?#[:space:]]*)?$') && isURL(self) && (url(self).getPort() == \"\" || int(url(self).getPort()) <= 65535)",message="must be an http or https URL without user, query or fragment, such as https://alerts.example.com/hook (one with a token belongs into urlSecretRef)"
	// +optional
	URL string `json:"url,omitempty"`
	// urlSecretRef is the entry of a Secret with the URL, which may have a user, a password and a query.
	// +optional
	URLSecretRef *SecretKeyReference `json:"urlSecretRef,omitempty"`
}

// AlertNotification is an alert that spec.alerts.receivers.webhook was told of, and not yet that it is over.
type AlertNotification struct {
	// name of the alert.
	// +kubebuilder:validation:Enum=ErrorRate;LatencyP95;CacheHitRate;LLMAvailability;DiskUsage
	// +required
	Name AlertName `json:"name,omitempty"`
	// since is that of the alert.
	// +required
	Since metav1.Time `json:"since,omitzero"` //nolint:kubeapilinter // a raised alert always has one
	// endedAt is when the alert was found to be over; absent while it is raised.
	// +optional
	EndedAt *metav1.Time `json:"endedAt,omitempty"`
}
