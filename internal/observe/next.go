package observe

import (
	"fmt"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// maxNext bounds a next place to look, as its schema does.
const maxNext = 256

// next is the next place to look: a command that shows more, or the field that mends it.
func next(pod componentPod, container, reason string) string {
	text := fmt.Sprintf("kubectl -n %s describe pod %s", pod.Namespace, pod.Name)
	switch reason {
	case ReasonCrashLoopBackOff:
		text = fmt.Sprintf("kubectl -n %s logs %s -c %s --previous", pod.Namespace, pod.Name, container)
	case ReasonOOMKilled:
		text = "raise the memory limit in " + ResourcesField(pod.component)
	case ReasonImagePullBackOff, "InvalidImageName", "ErrImageNeverPull":
		text += "; check " + imageField(pod.component)
	}
	return text[:min(len(text), maxNext)]
}

// ResourcesField is the field of the spec that bounds a component's memory.
func ResourcesField(c desired.Component) string { return field(c) + ".resources" }

func imageField(c desired.Component) string { return field(c) + ".image" }

func field(c desired.Component) string {
	switch c {
	case desired.ComponentServer:
		return "spec.server"
	case desired.ComponentOpenSearch:
		return "spec.openSearch.managed"
	default:
		return "spec.redis.managed"
	}
}
