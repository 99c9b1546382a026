package manifest_test

import "fmt"

// refusedWatching are manifests whose alerts or monitoring break a rule.
var refusedWatching = []refusal{
	{name: "alert that never is", spec: extractive + "  alerts: {errorRate: {percent: 100}, diskUsage: {percent: 100}}\n", paths: []string{"spec.alerts.diskUsage.percent", "spec.alerts.errorRate.percent"}, word: "99"},
	{name: "alert that always is", spec: extractive + "  alerts: {errorRate: {percent: 0}, llmAvailability: {percent: 101}}\n", paths: []string{"spec.alerts.errorRate.percent", "spec.alerts.llmAvailability.percent"}},
	{name: "alert of a hit rate between steps", spec: extractive + "  alerts: {cacheHitRate: {percent: 52}}\n", paths: []string{"spec.alerts.cacheHitRate.percent"}, word: "multiple"},
	{name: "alert after an hour", spec: extractive + "  alerts: {errorRate: {for: 1h}, latencyP95: {for: 31m}}\n", paths: []string{"spec.alerts.errorRate.for", "spec.alerts.latencyP95.for"}, word: "0s to 30m"},
	{name: "alert of a latency that nothing keeps", spec: extractive + "  alerts: {latencyP95: {threshold: 1ms}}\n", paths: []string{"spec.alerts.latencyP95.threshold"}, word: "10ms to 1m"},
	{name: "alert that is neither on nor off", spec: extractive + "  alerts: {errorRate: {mode: 'Off'}}\n", paths: []string{"spec.alerts.errorRate.mode"}, word: "Disabled"},
	{name: "alert by a password without a user", spec: extractive + "  alerts: {receivers: {email: {to: [a@example.com], from: b@example.com, smarthost: 'smtp:25', authPasswordSecretRef: {name: a, key: b}}}}\n", paths: []string{"spec.alerts.receivers.email"}, word: "set the other too"},
	{name: "alert by mail to a name", spec: extractive + "  alerts: {receivers: {email: {to: ['On Call <a@example.com>'], from: b@example.com, smarthost: 'smtp:25'}}}\n", paths: []string{"spec.alerts.receivers.email.to[0]"}, word: "one address"},
	{name: "alert by mail to two in one", spec: extractive + "  alerts: {receivers: {email: {to: ['a@example.com,c@example.com'], from: b@example.com, smarthost: 'smtp:25'}}}\n", paths: []string{"spec.alerts.receivers.email.to[0]"}, word: "one address"},
	{name: "alert by mail to nobody", spec: extractive + "  alerts: {receivers: {email: {to: [], from: nobody, smarthost: smtp.example.com}}}\n", paths: []string{"spec.alerts.receivers.email.from", "spec.alerts.receivers.email.smarthost", "spec.alerts.receivers.email.to"}},
	{name: "alert to a channel without a webhook", spec: extractive + "  alerts: {receivers: {slack: {channel: x}}}\n", paths: []string{"spec.alerts.receivers.slack.webhookURLSecretRef"}, word: "Required"},
	{name: "alert to a pager with a key in its URL", spec: extractive + "  alerts: {receivers: {pagerDuty: {url: 'https://events.example.com/?key=1', routingKeySecretRef: {name: a, key: b}}}}\n", paths: []string{"spec.alerts.receivers.pagerDuty.url"}, word: "without user, query"},
	{name: "alert to a webhook without a URL", spec: extractive + "  alerts: {receivers: {webhook: {}}}\n", paths: []string{"spec.alerts.receivers.webhook"}, word: "needs url or urlSecretRef"},
	{name: "alert to a webhook with two URLs", spec: extractive + "  alerts: {receivers: {webhook: {url: 'http://a.example.com', urlSecretRef: {name: a, key: b}}}}\n", paths: []string{"spec.alerts.receivers.webhook"}, word: "and not both"},
	{name: "alert to a webhook with a token in its URL", spec: extractive + "  alerts: {receivers: {webhook: {url: 'https://a.example.com/?token=1'}}}\n", paths: []string{"spec.alerts.receivers.webhook.url"}, word: "belongs into urlSecretRef"},
	{name: "alert to a webhook of another protocol", spec: extractive + "  alerts: {receivers: {webhook: {url: 'file:///etc/passwd'}}}\n", paths: []string{"spec.alerts.receivers.webhook.url"}, word: "http or https"},
	{name: "scrapes by nobody", spec: extractive + "  monitoring: {scrapeFrom: [{}]}\n", paths: []string{"spec.monitoring.scrapeFrom[0]"}, word: "a podSelector or both"},
	{name: "scrapes without policies", spec: extractive + "  networkPolicy: {enabled: false}\n  monitoring: {scrapeFrom: [{podSelector: {}}]}\n", paths: []string{"spec.monitoring.scrapeFrom"}, word: "has no effect"},
	{name: "an objective that its fast burn cannot miss", spec: extractive + "  alerts: {errorRate: {objectivePercent: \"94.9\"}}\n", paths: []string{"spec.alerts.errorRate.objectivePercent"}, word: "95 to 99.99"},
	{name: "an objective without a budget", spec: extractive + "  alerts: {errorRate: {objectivePercent: \"100\"}}\n", paths: []string{"spec.alerts.errorRate.objectivePercent"}, word: "95 to 99.99"},
	{name: "a label of the operator's on alert rules", spec: extractive + "  monitoring: {prometheusRule: {labels: {ragservice.dev/x: z}}}\n", paths: []string{"spec.monitoring.prometheusRule.labels"}, word: "the operator's own"},
	{name: "a ServiceMonitor that is not made", spec: extractive + "  monitoring: {serviceMonitor: {mode: Disabled, interval: 30s}}\n", paths: []string{"spec.monitoring.serviceMonitor"}, word: "no effect"},
	{name: "a scrape a second", spec: extractive + "  monitoring: {serviceMonitor: {interval: 1s}}\n", paths: []string{"spec.monitoring.serviceMonitor.interval"}, word: "5s to 5m"},
	{name: "traces to nowhere", spec: extractive + "  monitoring: {tracing: {}}\n", paths: []string{"spec.monitoring.tracing.endpoint"}, word: "Required"},
	{name: "traces to a host", spec: extractive + "  monitoring: {tracing: {endpoint: 'collector:4317'}}\n", paths: []string{"spec.monitoring.tracing.endpoint"}, word: "http or https URL"},
	{name: "more traces than requests", spec: extractive + "  monitoring: {tracing: {endpoint: 'http://collector:4318', samplingPercent: 101}}\n", paths: []string{"spec.monitoring.tracing.samplingPercent"}, word: "100"},
	{name: "traces by pigeon", spec: extractive + "  monitoring: {tracing: {endpoint: 'http://collector:4318', protocol: JSON}}\n", paths: []string{"spec.monitoring.tracing.protocol"}, word: "GRPC"},
	{name: "traces by gRPC with a path", spec: extractive + "  monitoring: {tracing: {endpoint: 'http://collector/otlp', protocol: GRPC}}\n", paths: []string{"spec.monitoring.tracing.endpoint"}, word: "has a path"},
	{name: "traces to the port of gRPC with a path", spec: extractive + "  monitoring: {tracing: {endpoint: 'http://collector:4317/v1/traces'}}\n", paths: []string{"spec.monitoring.tracing.endpoint"}, word: "has a path"},
	{name: "an authority of traces over http", spec: extractive + "  monitoring: {tracing: {endpoint: 'http://collector:4317', caSecretRef: {name: a, key: b}}}\n", paths: []string{"spec.monitoring.tracing.caSecretRef"}, word: "no effect"},
	{name: "a label of the operator's on a ServiceMonitor", spec: extractive + "  monitoring: {serviceMonitor: {labels: {app.kubernetes.io/name: x}}}\n", paths: []string{"spec.monitoring.serviceMonitor.labels"}, word: "the operator's own"},
}

// priced is a spec whose model has a price, with budgets.
func priced(budgets string) string {
	return withLLM("pricing: {promptUSDPerMillion: '1', completionUSDPerMillion: '2'}") + fmt.Sprintf("  budgets: {%s}\n", budgets)
}

// refusedBudgets are manifests whose budgets break a rule.
var refusedBudgets = []refusal{
	{name: "a budget of no tokens", spec: priced("dailyTokens: 0"), paths: []string{"spec.budgets.dailyTokens"}, word: "greater than or equal to 1"},
	{name: "a budget of too many tokens", spec: priced("dailyTokens: 1000000000001"), paths: []string{"spec.budgets.dailyTokens"}, word: "less than or equal to"},
	{name: "a budget of no dollars", spec: priced("dailyUSD: '0.00'"), paths: []string{"spec.budgets.dailyUSD"}, word: "from 0.01 to 999999.99"},
	{name: "a budget in euros", spec: priced("monthlyUSD: '25 EUR'"), paths: []string{"spec.budgets.monthlyUSD"}, word: "such as"},
	{name: "a budget of parts of a cent", spec: priced("dailyUSD: '0.005'"), paths: []string{"spec.budgets.dailyUSD"}, word: "from 0.01 to 999999.99"},
	{name: "a budget of tenants without a limit", spec: priced("perTenant: {}"), paths: []string{"spec.budgets.perTenant"}, word: "at least 1"},
	{name: "a tenant's budget of no tokens", spec: priced("perTenant: {dailyTokens: 0}"), paths: []string{"spec.budgets.perTenant.dailyTokens"}, word: "greater than or equal to 1"},
	{name: "days of nowhere", spec: priced("dailyTokens: 1, timeZone: Europe/Nowhere"), paths: []string{"spec.budgets.timeZone"}, word: "IANA time zone"},
	{name: "days of an offset", spec: priced("dailyTokens: 1, timeZone: '+02:00'"), paths: []string{"spec.budgets.timeZone"}, word: "IANA time zone"},
	{name: "days of wherever a server is", spec: priced("dailyTokens: 1, timeZone: Local"), paths: []string{"spec.budgets.timeZone"}, word: "IANA time zone"},
	{name: "days of a file", spec: priced("dailyTokens: 1, timeZone: 'Etc/../passwd'"), paths: []string{"spec.budgets.timeZone"}, word: "IANA time zone"},
	{name: "days of no budget", spec: priced("timeZone: Europe/Berlin"), paths: []string{"spec.budgets"}, word: "no effect without a budget"},
	{name: "an action of no budget", spec: priced("onExceeded: Alert"), paths: []string{"spec.budgets"}, word: "no effect without a budget"},
	{name: "an unknown action", spec: priced("dailyTokens: 1, onExceeded: Refuse"), paths: []string{"spec.budgets.onExceeded"}, word: "Deny"},
	{name: "a budget of no model", spec: extractive + "  budgets: {dailyTokens: 1}\n", paths: []string{"spec.budgets"}, word: "uses no model"},
	{name: "dollars without a price", spec: withLLM("temperature: '0'") + "  budgets: {dailyUSD: '1'}\n", paths: []string{"spec.budgets"}, word: "set spec.models.llm.pricing"},
	{name: "dollars of tenants without a price", spec: withLLM("temperature: '0'") + "  budgets: {perTenant: {monthlyUSD: '1'}}\n", paths: []string{"spec.budgets"}, word: "set spec.models.llm.pricing"},
	{
		name: "dollars without the price of a fallback",
		spec: withLLM("pricing: {promptUSDPerMillion: '1', completionUSDPerMillion: '2'}, fallbacks: [{model: other, baseURL: 'http://a/v1'}]") +
			"  budgets: {dailyUSD: '1'}\n",
		paths: []string{"spec.budgets"}, word: "pricing of each of its fallbacks",
	},
}
