package status

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// judgeParts judges components by what the API server knows of them. The first that is not well speaks, a fault before
// one that is only starting. ok says that all of them run.
func (p Pass) judgeParts(components ...desired.Component) (f finding, ok bool) {
	if fault, found := p.terminalFault(components...); found {
		return no(fault.Reason, "%s", fault.Message), false
	}
	for _, c := range components {
		if refused := p.Observed.Workloads[c].Refused; refused.Reason != "" && p.wanted(c, p.Observed.Workloads[c]) > 0 {
			return p.judgeRefusal(c, refused), false
		}
		if d, found := p.worstDiagnostic(c); found {
			return p.judgeDiagnostic(d), false
		}
	}
	for _, c := range components {
		w, found := p.Observed.Workloads[c]
		switch {
		case !found && p.suspended():
			return no(v1alpha1.ReasonSuspended, "%s does not run, and is not written while spec.suspend is true", c), false
		case !found && p.withheld(c):
			return no(v1alpha1.ReasonAwaitingSecrets, "%s waits for the Secrets that the spec names; see SecretsResolved", c), false
		case !found:
			return p.progress(c, "%s is being created", c), false
		case w.ReadyReplicas < p.wanted(c, w):
			return p.progress(c, "%d of %d pods of %s are ready", w.ReadyReplicas, p.wanted(c, w), c), false
		}
	}
	return finding{}, true
}

// judgeRefusal says why no pod of a component can be made.
func (p Pass) judgeRefusal(c desired.Component, refused Refusal) finding {
	detail := refused.Detail
	if detail == "" {
		detail = "see the events"
	}
	return no(refused.Reason, "the API server refuses pods of %s (%s): kubectl -n %s get events --field-selector reason=FailedCreate",
		c, detail, p.Service.Namespace)
}

// wanted is how many pods of a component shall run. The spec of the server leads its Deployment by a moment.
func (p Pass) wanted(c desired.Component, w Workload) int32 {
	if c == desired.ComponentServer && p.State != nil {
		return p.State.Replicas
	}
	return w.WantedReplicas
}

func (p Pass) withheld(c desired.Component) bool {
	return p.State != nil && slices.Contains(p.State.Withheld, c)
}

// worstDiagnostic picks the diagnostic that a condition tells: always the same one while the facts are, whatever the
// pods are called.
func (p Pass) worstDiagnostic(c desired.Component) (ComponentDiagnostic, bool) {
	var of []ComponentDiagnostic
	for _, d := range p.Observed.Diagnostics {
		if d.Component == c {
			of = append(of, d)
		}
	}
	if len(of) == 0 {
		return ComponentDiagnostic{}, false
	}
	return slices.MinFunc(of, func(a, b ComponentDiagnostic) int {
		// A pod that is broken says more than one that waits for a node.
		if x, y := a.Reason == ReasonUnschedulable, b.Reason == ReasonUnschedulable; x != y {
			if x {
				return 1
			}
			return -1
		}
		return strings.Compare(a.Reason+" "+a.Container, b.Reason+" "+b.Container)
	}), true
}

// judgeDiagnostic turns what is wrong with a pod into a condition. The next place to look is by label, since the
// condition names no pod; status.diagnostics does.
func (p Pass) judgeDiagnostic(d ComponentDiagnostic) finding {
	selector := sentence("-n %s -l app.kubernetes.io/instance=%s,app.kubernetes.io/component=%s",
		p.Service.Namespace, p.Service.Name, d.Component)
	switch d.Reason {
	case ReasonUnschedulable:
		return no(v1alpha1.ReasonUnschedulable, "no node takes a pod of %s: kubectl describe pod %s", d.Component, selector)
	case v1alpha1.ReasonVolumeNotBound:
		claim, why, _ := strings.Cut(d.Detail, ": ")
		return no(d.Reason, "volume claim %s is not bound: %s: kubectl -n %s describe pvc %s", claim, why, p.Service.Namespace, claim)
	case v1alpha1.ReasonAttachFailed, v1alpha1.ReasonMountFailed:
		what := map[string]string{v1alpha1.ReasonAttachFailed: "attached", v1alpha1.ReasonMountFailed: "mounted"}[d.Reason]
		return no(d.Reason, "a volume of %s cannot be %s%s: kubectl describe pod %s", d.Component, what, inBrackets(d.Detail), selector)
	case v1alpha1.ReasonNodeLost:
		return no(d.Reason, "the node of a pod of %s does not answer: kubectl get nodes; kubectl get pod -o wide %s", d.Component, selector)
	case ReasonOOMKilled:
		return no(v1alpha1.ReasonPodFailing, "container %s needs more memory than its limit (OOMKilled): raise %s",
			d.Container, d.Component.Field()+".resources")
	case ReasonCrashLoopBackOff:
		return no(v1alpha1.ReasonPodFailing, "container %s keeps ending%s (CrashLoopBackOff): kubectl logs --previous -c %s %s",
			d.Container, exitCode(d), d.Container, selector)
	case ReasonImagePullBackOff:
		return no(v1alpha1.ReasonPodFailing, "the image of container %s cannot be pulled (ImagePullBackOff): kubectl describe pod %s",
			d.Container, selector)
	default:
		if d.Container == "" {
			return no(v1alpha1.ReasonPodFailing, "a pod of %s cannot start (%s): kubectl describe pod %s", d.Component, d.Reason, selector)
		}
		return no(v1alpha1.ReasonPodFailing, "container %s cannot start (%s): kubectl describe pod %s", d.Container, d.Reason, selector)
	}
}

func exitCode(d ComponentDiagnostic) string {
	if d.ExitCode == nil {
		return ""
	}
	return sentence(" with exit code %d", *d.ExitCode)
}

func inBrackets(detail string) string {
	if detail == "" {
		return ""
	}
	return " (" + detail + ")"
}

// progressLimit is how long a part may be starting or changing. A first start takes half a minute, and the pull of a large
// image some minutes.
const progressLimit = 10 * time.Minute

// progress is a part that is starting or changing. The wait begins when the condition becomes Progressing, whatever it
// was before; lastTransitionTime says when.
func (p Pass) progress(c desired.Component, format string, args ...any) finding {
	previous := p.previous(c.Condition())
	f := no(v1alpha1.ReasonProgressing, format, args...)
	f.restarts = !isProgress(previous)
	if !f.restarts && p.Now.Sub(previous.LastTransitionTime.Time) >= progressLimit {
		f = no(v1alpha1.ReasonLate, "%s after %d minutes: kubectl describe pod -n %s -l app.kubernetes.io/instance=%s,app.kubernetes.io/component=%s",
			f.message, int(progressLimit.Minutes()), p.Service.Namespace, p.Service.Name, c)
	}
	return f
}

func isProgress(c metav1.Condition) bool {
	return c.Status == metav1.ConditionFalse && (c.Reason == v1alpha1.ReasonProgressing || c.Reason == v1alpha1.ReasonLate)
}

// progressDeadline is when the first wait of a part ends; 0 for none.
func (p Pass) progressDeadline(found map[string]finding) (next time.Duration) {
	for _, c := range desired.Components() {
		conditionType := c.Condition()
		if f := found[conditionType]; f.reason == v1alpha1.ReasonProgressing && f.status == metav1.ConditionFalse && !f.kept {
			began := p.condition(conditionType, f).LastTransitionTime.Time
			next = soonest(next, max(began.Add(progressLimit).Sub(p.Now), time.Second))
		}
	}
	return next
}

// rollout finds a component of which not every pod is of the latest template, though enough of them are ready.
func (p Pass) rollout() (desired.Component, bool) {
	if p.Observed == nil {
		return "", false
	}
	for _, c := range desired.Components() {
		w, found := p.Observed.Workloads[c]
		if found && (!w.UpToDate || w.UpdatedReplicas < p.wanted(c, w) || w.Replicas != p.wanted(c, w)) {
			return c, true
		}
	}
	return "", false
}

// maxDiagnostics bounds status.diagnostics, as its schema does.
const maxDiagnostics = 8

// diagnostics picks what fits into the status, sorted by pod and container: each component in turn, so that a hundred
// failing servers do not hide a failing store.
func diagnostics(all []ComponentDiagnostic) []v1alpha1.Diagnostic {
	queues := map[desired.Component][]v1alpha1.Diagnostic{}
	var components []desired.Component
	for _, d := range all {
		if len(queues[d.Component]) == 0 {
			components = append(components, d.Component)
		}
		queues[d.Component] = append(queues[d.Component], d.Diagnostic)
	}
	slices.Sort(components)
	var out []v1alpha1.Diagnostic
	for turn := 0; len(out) < min(len(all), maxDiagnostics); turn++ {
		for _, c := range components {
			if turn < len(queues[c]) && len(out) < maxDiagnostics {
				out = append(out, queues[c][turn])
			}
		}
	}
	slices.SortFunc(out, func(a, b v1alpha1.Diagnostic) int {
		return strings.Compare(a.Pod+" "+a.Container, b.Pod+" "+b.Container)
	})
	return out
}
