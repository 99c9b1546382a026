package observe

import (
	"fmt"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// maxNext bounds a next place to look, as its schema does.
const maxNext = 256

// next is the next place to look: a command that shows more, or the field that mends it.
func next(pod componentPod, container, reason string) string {
	text := fmt.Sprintf("kubectl -n %s describe pod %s", pod.Namespace, pod.Name)
	switch reason {
	case status.ReasonCrashLoopBackOff:
		text = fmt.Sprintf("kubectl -n %s logs %s -c %s --previous", pod.Namespace, pod.Name, container)
	case v1alpha1.ReasonNodeLost:
		text += ": its node does not answer"
	case status.ReasonOOMKilled:
		text = "raise the memory limit in " + pod.component.Field() + ".resources"
	case status.ReasonImagePullBackOff, "InvalidImageName", "ErrImageNeverPull":
		text += "; check " + pod.component.Field() + ".image"
	}
	return text[:min(len(text), maxNext)]
}
