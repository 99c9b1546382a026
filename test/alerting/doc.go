// Package alerting shows that people are told: a real Prometheus scrapes a running server and evaluates the operator's rules, and a real
// Alertmanager, with the configuration that docs/alert-receivers.md gives, delivers to sinks that speak SMTP, and the protocols of Slack, PagerDuty
// and webhooks. It takes a minute: rules have two seconds for each of theirs.
package alerting
