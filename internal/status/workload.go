package status

import (
	"slices"
	"strings"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/observe/observed"
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
func (p Pass) judgeRefusal(c desired.Component, refused observed.Refusal) finding {
	detail := refused.Detail
	if detail == "" {
		detail = "see the events"
	}
	return no(refused.Reason, "the API server refuses pods of %s (%s): kubectl -n %s get events --field-selector reason=FailedCreate",
		c, detail, p.Service.Namespace)
}

// wanted is how many pods of a component shall run. The spec of the server leads its Deployment by a moment.
func (p Pass) wanted(c desired.Component, w observed.Workload) int32 {
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
func (p Pass) worstDiagnostic(c desired.Component) (observed.ComponentDiagnostic, bool) {
	var of []observed.ComponentDiagnostic
	for _, d := range p.Observed.Diagnostics {
		if d.Component == c {
			of = append(of, d)
		}
	}
	if len(of) == 0 {
		return observed.ComponentDiagnostic{}, false
	}
	return slices.MinFunc(of, func(a, b observed.ComponentDiagnostic) int {
		// A pod that is broken says more than one that waits for a node.
		if x, y := a.Reason == observed.ReasonUnschedulable, b.Reason == observed.ReasonUnschedulable; x != y {
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
func (p Pass) judgeDiagnostic(d observed.ComponentDiagnostic) finding {
	selector := sentence("-n %s -l app.kubernetes.io/instance=%s,app.kubernetes.io/component=%s",
		p.Service.Namespace, p.Service.Name, d.Component)
	switch d.Reason {
	case observed.ReasonUnschedulable:
		return no(v1alpha1.ReasonUnschedulable, "no node takes a pod of %s: kubectl describe pod %s", d.Component, selector)
	case v1alpha1.ReasonVolumeNotBound:
		claim, why, _ := strings.Cut(d.Detail, ": ")
		return no(d.Reason, "volume claim %s is not bound: %s: kubectl -n %s describe pvc %s", claim, why, p.Service.Namespace, claim)
	case v1alpha1.ReasonAttachFailed, v1alpha1.ReasonMountFailed:
		what := map[string]string{v1alpha1.ReasonAttachFailed: "attached", v1alpha1.ReasonMountFailed: "mounted"}[d.Reason]
		return no(d.Reason, "a volume of %s cannot be %s%s: kubectl describe pod %s", d.Component, what, inBrackets(d.Detail), selector)
	case v1alpha1.ReasonNodeLost:
		return no(d.Reason, "the node of a pod of %s does not answer: kubectl get nodes; kubectl get pod -o wide %s", d.Component, selector)
	case observed.ReasonOOMKilled:
		return no(v1alpha1.ReasonPodFailing, "container %s needs more memory than its limit (OOMKilled): raise %s",
			d.Container, d.Component.Field()+".resources")
	case observed.ReasonCrashLoopBackOff:
		return no(v1alpha1.ReasonPodFailing, "container %s keeps ending%s (CrashLoopBackOff): kubectl logs --previous -c %s %s",
			d.Container, exitCode(d), d.Container, selector)
	case observed.ReasonImagePullBackOff:
		return no(v1alpha1.ReasonPodFailing, "the image of container %s cannot be pulled (ImagePullBackOff): kubectl describe pod %s",
			d.Container, selector)
	default:
		if d.Container == "" {
			return no(v1alpha1.ReasonPodFailing, "a pod of %s cannot start (%s): kubectl describe pod %s", d.Component, d.Reason, selector)
		}
		return no(v1alpha1.ReasonPodFailing, "container %s cannot start (%s): kubectl describe pod %s", d.Container, d.Reason, selector)
	}
}

func exitCode(d observed.ComponentDiagnostic) string {
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
