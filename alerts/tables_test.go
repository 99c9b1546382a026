package alerts

import (
	"fmt"
	"strings"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// Page is what docs/alerts.md says of the alerts of a service: a table of them, and one of its error budget.
func Page(rag *v1alpha1.RAGService) string {
	var page strings.Builder
	page.WriteString("| alert | in Prometheus | severity | raised | over | judged by |\n|---|---|---|---|---|---|\n")
	for _, a := range Of(rag) {
		beyond, over := "over", "at most"
		if a.Below {
			beyond, over = "under", "at least"
		}
		fmt.Fprintf(&page, "| [`%s`](runbooks/%s) | `%s` | %s | %s %s for %dm | %s %s | %s |\n", a.Name, a.words.runbook, RuleName(a.Name), a.Severity,
			beyond, a.Show(a.Threshold), a.Minutes, over, a.Show(a.clearFrom()), a.words.judged)
	}
	budget := 100 - Objective(rag)
	fmt.Fprintf(&page, "\n[`%s`](runbooks/%s), for the objective of %s%%:\n\n", RuleName(BudgetBurn), budgetWords.runbook, decimal(Objective(rag)))
	page.WriteString("| windows | factor | error rate in both | of the budget that is gone then | severity |\n|---|---|---|---|---|\n")
	for _, b := range burns {
		fmt.Fprintf(&page, "| %s and %s | %s | over %s%% | %s | %s |\n", b.long, b.short, decimal(b.factor), decimal(b.factor*budget), b.used, b.severity)
	}
	page.WriteString("\nSeries that the rules record, with the labels `namespace` and `name`:\n\n| series | windows | query for 5m |\n|---|---|---|\n")
	for _, a := range Of(rag) {
		windows := []string{nowWindow, silenceWindow}
		if a.Name == v1alpha1.AlertErrorRate {
			windows = append(windows, longWindows...)
		}
		query := strings.ReplaceAll(a.measure.in(nowWindow, "…"), ",…", "")
		query = strings.ReplaceAll(query, "{…}", "")
		fmt.Fprintf(&page, "| `%s:<window>` | %s | `%s` |\n", a.measure.name, strings.Join(windows, ", "), strings.ReplaceAll(query, "|", "\\|"))
	}
	return page.String()
}
