package status

import (
	"fmt"
	"strings"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// messageLimit bounds a message, in bytes: it has to fit into a column and an event.
const messageLimit = 255

// finding is what a rule says of its condition.
type finding struct {
	status  metav1.ConditionStatus
	reason  string
	message string
	// kept says that the condition could not be judged in this pass and stays as it was, with its observedGeneration.
	kept bool
	// restarts says that lastTransitionTime starts anew though the status is the same: another wait has begun.
	restarts bool
}

func yes(reason, format string, args ...any) finding {
	return finding{status: metav1.ConditionTrue, reason: reason, message: sentence(format, args...)}
}

func no(reason, format string, args ...any) finding {
	return finding{status: metav1.ConditionFalse, reason: reason, message: sentence(format, args...)}
}

func unknown(reason, message string) finding {
	return finding{status: metav1.ConditionUnknown, reason: reason, message: message}
}

// keep leaves a condition as it was.
func keep(previous metav1.Condition) finding {
	return finding{status: previous.Status, reason: previous.Reason, message: previous.Message, kept: true}
}

// sentence formats a message and cuts it at the limit, between two characters.
func sentence(format string, args ...any) string {
	s := strings.ToValidUTF8(fmt.Sprintf(format, args...), "")
	if len(s) <= messageLimit {
		return s
	}
	cut := messageLimit - len("...")
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}

// condition makes the condition of a finding. The time of its last transition is that of before unless the status
// changed.
func (p Pass) condition(conditionType string, f finding) metav1.Condition {
	before := p.previous(conditionType)
	c := metav1.Condition{
		Type:               conditionType,
		Status:             f.status,
		Reason:             f.reason,
		Message:            f.message,
		ObservedGeneration: p.Service.Generation,
		LastTransitionTime: before.LastTransitionTime,
	}
	if f.kept {
		c.ObservedGeneration = before.ObservedGeneration
	}
	if before.Status != f.status || f.restarts {
		c.LastTransitionTime = metav1.NewTime(p.Now.Truncate(secondsOfStatus))
	}
	return c
}
