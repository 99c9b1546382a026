package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BudgetsSpec is what the language models may take in a day and in a month.
// +kubebuilder:validation:XValidation:rule="!has(self.timeZone) && !has(self.onExceeded) || has(self.dailyTokens) || has(self.dailyUSD) || has(self.monthlyUSD) || has(self.perTenant)",message="spec.budgets.timeZone and onExceeded have no effect without a budget: set dailyTokens, dailyUSD, monthlyUSD or perTenant, or remove them"
type BudgetsSpec struct {
	// dailyTokens that models may read and write in a day, from 1 to 1000000000000. Default none.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000000
	// +optional
	DailyTokens *int64 `json:"dailyTokens,omitempty"`
	// dailyUSD that models may cost in a day, from "0.01" to "999999.99". Default none.
	// +optional
	DailyUSD USD `json:"dailyUSD,omitempty"`
	// monthlyUSD that models may cost in a month, from "0.01" to "999999.99". Default none.
	// +optional
	MonthlyUSD USD `json:"monthlyUSD,omitempty"`
	// perTenant are the same limits for each tenant, beside those of the service. Default none.
	// +optional
	PerTenant *TenantBudget `json:"perTenant,omitempty"`
	// timeZone in which days and months begin, an IANA name such as Europe/Berlin. Default UTC.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$') && self != 'Local' && timestamp('2026-01-01T00:00:00Z').getHours(self) >= 0",message="must be an IANA time zone such as Europe/Berlin"
	// +optional
	TimeZone string `json:"timeZone,omitempty"`
	// onExceeded is what becomes of a question for which a budget has no room. Deny: 429 budget_exceeded. Alert: it is answered, and told.
	// Answers from the cache cost nothing. Default Deny.
	// +kubebuilder:validation:Enum=Deny;Alert
	// +optional
	OnExceeded BudgetAction `json:"onExceeded,omitempty"`
}

// TenantBudget is what the language models may take for a tenant.
// +kubebuilder:validation:MinProperties=1
type TenantBudget struct {
	// dailyTokens for a tenant, from 1 to 1000000000000. Default none.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000000
	// +optional
	DailyTokens *int64 `json:"dailyTokens,omitempty"`
	// dailyUSD for a tenant, from "0.01" to "999999.99". Default none.
	// +optional
	DailyUSD USD `json:"dailyUSD,omitempty"`
	// monthlyUSD for a tenant, from "0.01" to "999999.99". Default none.
	// +optional
	MonthlyUSD USD `json:"monthlyUSD,omitempty"`
}

// USD is an amount of US dollars, as a string so that no float rounds it: "25" or "0.50".
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=9
// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,6}([.][0-9]{1,2})?$') && double(self) > 0.0",message="must be an amount from 0.01 to 999999.99 in quotes, such as \"25.50\""
type USD string

// BudgetAction is what becomes of a question for which a budget has no room.
type BudgetAction string

// Values of BudgetAction.
const (
	// BudgetDeny refuses it.
	BudgetDeny BudgetAction = "Deny"
	// BudgetAlert admits it.
	BudgetAlert BudgetAction = "Alert"
)

// BudgetName is a budget of the service.
type BudgetName string

// Values of BudgetName, the names of their limits.
const (
	// BudgetDailyTokens is tokens in a day.
	BudgetDailyTokens BudgetName = "dailyTokens"
	// BudgetDailyUSD is US dollars in a day.
	BudgetDailyUSD BudgetName = "dailyUSD"
	// BudgetMonthlyUSD is US dollars in a month.
	BudgetMonthlyUSD BudgetName = "monthlyUSD"
)

// BudgetStatus is how far a budget of the service is taken.
type BudgetStatus struct {
	// name of the budget.
	// +kubebuilder:validation:Enum=dailyTokens;dailyUSD;monthlyUSD
	// +required
	Name BudgetName `json:"name,omitempty"`
	// usedPercent of the limit, a step of 5, at most 1000; exact ones are metrics of the servers.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	// +required
	UsedPercent *int32 `json:"usedPercent,omitempty"`
	// limit of the budget.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +required
	Limit string `json:"limit,omitempty"`
	// resetsAt is the end of its window.
	// +required
	ResetsAt metav1.Time `json:"resetsAt,omitzero"` //nolint:kubeapilinter // a window always has an end
}
