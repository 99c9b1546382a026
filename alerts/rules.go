package alerts

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// RuleFile is rules as Prometheus reads them. The spec of a PrometheusRule is the same.
type RuleFile struct {
	Groups []RuleGroup `json:"groups"`
}

// RuleGroup is rules that are evaluated one after the other.
type RuleGroup struct {
	Name     string `json:"name"`
	Interval string `json:"interval"`
	Rules    []Rule `json:"rules"`
}

// Rule records a series, or raises an alert.
type Rule struct {
	Record      string            `json:"record,omitempty"`
	Alert       string            `json:"alert,omitempty"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Labels of alerts, by which they find their receivers.
const (
	// LabelAlert is the name of the alert, RuleName; Prometheus itself adds it.
	LabelAlert    = "alertname"
	LabelSeverity = "severity"
	// LabelNamespace and LabelName say which RAGService it is.
	LabelNamespace = "namespace"
	LabelName      = "name"
	// LabelLongWindow tells the alerts of the error budget apart.
	LabelLongWindow = "long_window"
)

// RuleName is the name of an alert in Prometheus.
func RuleName(name v1alpha1.AlertName) string { return "RAGService" + string(name) }

const (
	nowWindow     = "5m"
	silenceWindow = "30m"
	// evaluated is how often rules are: each minute ends a window, as for the operator.
	evaluated = "1m"
)

// runbooks is where the page of each alert is.
const runbooks = "https://github.com/ragservice/ragservice-operator/blob/main/docs/runbooks/"

// Rules are the rules of a service, in one group so that each sees what those before it have recorded in the same moment: those of spec.alerts and,
// with the error rate, those of its error budget; and those of spec.budgets. Where there are none there is no group.
func Rules(rag *v1alpha1.RAGService) RuleFile {
	s := service{rag.Namespace, rag.Name}
	var rules []Rule
	for _, a := range Of(rag) {
		rules = append(rules, s.record(a.measure, nowWindow), s.record(a.measure, silenceWindow), s.alert(a))
	}
	if rag.Spec.Alerts.ErrorRate.Mode != v1alpha1.AlertDisabled {
		rules = append(rules, s.errorBudget(Objective(rag))...)
	}
	if len(BudgetsOf(rag.Spec.Budgets)) > 0 {
		rules = append(rules, s.spending(rag.Spec.Budgets))
	}
	if len(rules) == 0 {
		return RuleFile{}
	}
	return RuleFile{Groups: []RuleGroup{{Name: strings.Join([]string{"ragservice", s.namespace, s.name}, "."), Interval: evaluated, Rules: rules}}}
}

// service is the RAGService that rules are about.
type service struct{ namespace, name string }

func (s service) labels() map[string]string {
	return map[string]string{LabelNamespace: s.namespace, LabelName: s.name}
}

// Labels are those of an alert of a service, without LabelAlert.
func (a Alert) Labels(rag *v1alpha1.RAGService) map[string]string {
	return service{rag.Namespace, rag.Name}.alertLabels(a.Severity)
}

func (s service) alertLabels(severity Severity) map[string]string {
	labels := s.labels()
	labels[LabelSeverity] = string(severity)
	return labels
}

// own finds the series that the rules of s make.
func (s service) own() string {
	return fmt.Sprintf(`%s=%q,%s=%q`, LabelNamespace, s.namespace, LabelName, s.name)
}

func (s service) record(m measure, window string) Rule {
	return Rule{Record: m.recorded(window), Expr: m.in(window, selector(s.namespace, s.name)), Labels: s.labels()}
}

// alert raises a as the operator does: once its value was beyond the threshold for long enough. While it fires, it stays so until the value is
// nearer to the good end, or nothing has shown it for half an hour.
func (s service) alert(a Alert) Rule {
	now, before := a.measure.recorded(nowWindow)+"{"+s.own()+"}", a.measure.recorded(silenceWindow)+"{"+s.own()+"}"
	firing := fmt.Sprintf(`on(namespace, name) ALERTS{alertname=%q,alertstate="firing",%s}`, RuleName(a.Name), s.own())
	worse := ">"
	if a.Below {
		worse = "<"
	}
	return Rule{
		Alert: RuleName(a.Name),
		Expr: fmt.Sprintf("%s %s %s\nor %s %s %s and %s\nor %s and %s unless %s",
			now, worse, a.number(a.Threshold), now, worse, a.number(a.clearFrom()), firing, before, firing, now),
		For:         minutes(a.Minutes),
		Labels:      s.alertLabels(a.Severity),
		Annotations: s.annotations(a.words, a.Show(a.Threshold), a.valueShown()),
	}
}

// number is a value as a query has it: seconds, or a share from 0 to 1.
func (a Alert) number(value float64) string {
	if !a.Seconds {
		value /= 100
	}
	return decimal(value)
}

// decimal has the digits that a person would write: sums of floats have more.
func decimal(value float64) string {
	return strconv.FormatFloat(value, 'g', 12, 64)
}

// Show is a value as people read it: 5% or 1.5s.
func (a Alert) Show(value float64) string {
	if a.Seconds {
		return time.Duration(value * float64(time.Second)).Round(time.Millisecond).String()
	}
	return decimal(value) + "%"
}

func (a Alert) valueShown() string {
	if a.Seconds {
		return "{{ $value | humanizeDuration }}"
	}
	return shareShown
}

// shareShown is the value of a share, in the language of Prometheus's templates.
const shareShown = "{{ $value | humanizePercentage }}"

func minutes(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10) + "m"
}
