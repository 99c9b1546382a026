package observe

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

const (
	// stuckGrace is how long a workload may lack pods, or a pod its containers, before events are read for the cause.
	stuckGrace = 12 * time.Second
	// stuckInterval is the time between two looks at what stays stuck: nothing that is watched tells of its events.
	stuckInterval = 10 * time.Second
	// maxEventReads bounds the reads of one pass; a hundred pods wait for the same cause.
	maxEventReads = 6
	// maxEvents bounds one read. An object has about ten kinds of events, and each kind is one object.
	maxEvents = 50
)

// stuck finds why workloads have too few pods, and pods no containers. It is the only part of a pass that makes requests,
// and makes none while nothing is stuck.
type stuck struct {
	mu sync.Mutex
	// short is since when a StatefulSet has had fewer pods than it should: its status does not say.
	short map[types.UID]time.Time
}

// inspection is the work of one pass.
type inspection struct {
	*stuck
	live     client.Reader
	snapshot *Snapshot
	now      time.Time
	reads    int
	recheck  time.Duration
}

// lookAgain asks for another look after d.
func (i *inspection) lookAgain(d time.Duration) { i.recheck = soonest(i.recheck, d) }

// refusals adds to StatefulSets with too few pods why they are refused.
func (i *inspection) refusals(ctx context.Context, workloads map[desired.Component]status.Workload) error {
	for uid, c := range i.snapshot.controlled() {
		w := workloads[c]
		if !c.IsStore() {
			continue // a Deployment's status says it
		}
		since, short := i.shortSince(uid, w.UpToDate && w.Replicas < w.WantedReplicas)
		if !short {
			continue
		}
		if left := since.Add(stuckGrace).Sub(i.now); left > 0 {
			i.lookAgain(left)
			continue
		}
		i.lookAgain(stuckInterval)
		events, err := i.eventsOf(ctx, uid)
		if err != nil {
			return err
		}
		if last, found := newest(events, "FailedCreate"); found && !after(events, last, "SuccessfulCreate") {
			w.Refused = refusal(last.Note)
			workloads[c] = w
		}
	}
	return nil
}

func (i *inspection) shortSince(uid types.UID, short bool) (time.Time, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !short {
		delete(i.short, uid)
		return time.Time{}, false
	}
	if i.short == nil {
		i.short = map[types.UID]time.Time{}
	}
	since, known := i.short[uid]
	if !known {
		since = i.now
		i.short[uid] = since
	}
	return since, true
}

// volumes finds pods whose volumes keep them from starting: those that no node takes because a claim is not bound, and
// those on a node that cannot attach or mount. It replaces what diagnose says of them.
func (i *inspection) volumes(ctx context.Context, found []status.ComponentDiagnostic) ([]status.ComponentDiagnostic, error) {
	for _, pod := range i.snapshot.pods {
		var d *status.ComponentDiagnostic
		var err error
		at := slices.IndexFunc(found, func(d status.ComponentDiagnostic) bool {
			return d.Pod == pod.Name && d.Reason == status.ReasonUnschedulable
		})
		if at >= 0 {
			d, err = i.unbound(ctx, pod)
		} else if since, creating := creatingSince(pod.Pod); creating {
			if left := since.Add(stuckGrace).Sub(i.now); left > 0 {
				i.lookAgain(left)
				continue
			}
			i.lookAgain(stuckInterval)
			d, err = i.unmounted(ctx, pod)
		}
		switch {
		case err != nil:
			return found, err
		case d == nil:
		case at >= 0:
			found[at] = *d
		default:
			found = append(found, *d)
		}
	}
	sortDiagnostics(found)
	return found, nil
}

// creatingSince is when a pod came to its node, if none of its containers has been made yet.
func creatingSince(pod *corev1.Pod) (time.Time, bool) {
	if pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodPending {
		return time.Time{}, false
	}
	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if c.State.Waiting == nil || (c.State.Waiting.Reason != "ContainerCreating" && c.State.Waiting.Reason != "PodInitializing") {
			return time.Time{}, false
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time, true
		}
	}
	return time.Time{}, false
}

// unbound says which claim of a pod that no node takes is not bound, and why.
func (i *inspection) unbound(ctx context.Context, pod componentPod) (*status.ComponentDiagnostic, error) {
	claim := i.snapshot.claim(desired.ClaimNameOf(pod.Name))
	if claim == nil || claim.Status.Phase != corev1.ClaimPending {
		return nil, nil //nolint:nilnil // it has none, or that is not the cause
	}
	i.lookAgain(stuckInterval)
	events, err := i.eventsOf(ctx, claim.UID)
	if err != nil {
		return nil, err
	}
	failed, found := newest(events, "ProvisioningFailed", "FailedBinding")
	if !found {
		return nil, nil //nolint:nilnil // it waits for a node
	}
	class := ptr.Deref(claim.Spec.StorageClassName, "")
	d := diagnostic(pod, "", v1alpha1.ReasonVolumeNotBound, nil)
	d.Detail = fmt.Sprintf("%s: %s", claim.Name, whyUnbound(failed.Note, class))
	if i.snapshot.madeByEarlier(claim) {
		d.Detail += "; an earlier RAGService left the claim, delete it to have another made"
	}
	d.Next = fmt.Sprintf("kubectl -n %s describe pvc %s", claim.Namespace, claim.Name)
	return &d, nil
}

func whyUnbound(note, class string) string {
	switch {
	case strings.Contains(note, "storageclass") && strings.Contains(note, "not found"):
		return fmt.Sprintf("storage class %q does not exist", class)
	case class == "":
		return "no storage class is set, the cluster has no default, and no volume fits"
	default:
		return fmt.Sprintf("storage class %q cannot make it", class)
	}
}

var (
	missingSource = regexp.MustCompile(`(secret|configmap) "([a-z0-9.-]+)" not found`)
	missingKey    = regexp.MustCompile(`references non-existent (?:secret|config) key: ([A-Za-z0-9._-]+)`)
	failedVolume  = regexp.MustCompile(`for volume "([a-z0-9.-]+)"`)
)

// unmounted says why a pod on a node has no containers yet; nil when nothing failed since the last step that succeeded.
func (i *inspection) unmounted(ctx context.Context, pod componentPod) (*status.ComponentDiagnostic, error) {
	events, err := i.eventsOf(ctx, pod.UID)
	if err != nil {
		return nil, err
	}
	for _, kind := range []struct{ event, reason string }{
		{"FailedAttachVolume", v1alpha1.ReasonAttachFailed},
		{"FailedMount", v1alpha1.ReasonMountFailed},
		{"FailedCreatePodSandBox", v1alpha1.ReasonPodFailing},
	} {
		last, found := newest(events, kind.event)
		if !found || after(events, last, "SuccessfulAttachVolume", "Pulling", "Pulled", "Created", "Started") {
			continue
		}
		d := diagnostic(pod, "", kind.reason, nil)
		if kind.reason == v1alpha1.ReasonPodFailing {
			d.Reason = kind.event
		}
		d.Detail = whyUnmounted(last.Note)
		return &d, nil
	}
	return nil, nil //nolint:nilnil // an image is being pulled, or it just takes its time
}

func whyUnmounted(note string) string {
	if source := missingSource.FindStringSubmatch(note); source != nil {
		return fmt.Sprintf("%s %q does not exist", map[string]string{"secret": "Secret", "configmap": "ConfigMap"}[source[1]], source[2])
	}
	volume := failedVolume.FindStringSubmatch(note)
	switch key := missingKey.FindStringSubmatch(note); {
	case len(key) > 1 && len(volume) > 1:
		return fmt.Sprintf("the source of volume %q has no entry %q", volume[1], key[1])
	case strings.HasPrefix(note, "Multi-Attach error"):
		return "its volume is attached to another node"
	case len(volume) > 1 && !strings.HasPrefix(volume[1], "pvc-"):
		return fmt.Sprintf("volume %q", volume[1])
	default:
		return ""
	}
}

// eventsOf are the events about an object, by its UID.
func (i *inspection) eventsOf(ctx context.Context, uid types.UID) ([]eventsv1.Event, error) {
	if i.live == nil || i.reads == maxEventReads {
		return nil, nil
	}
	i.reads++
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var all eventsv1.EventList
	err := i.live.List(ctx, &all, client.InNamespace(i.snapshot.service.Namespace), client.MatchingFields{"regarding.uid": string(uid)}, client.Limit(maxEvents))
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	return all.Items, nil
}

// newest is the last event of one of the reasons.
func newest(events []eventsv1.Event, reasons ...string) (last eventsv1.Event, found bool) {
	for _, e := range events {
		if slices.Contains(reasons, e.Reason) && (!found || seenAt(e).After(seenAt(last))) {
			last, found = e, true
		}
	}
	return last, found
}

// after says whether an event of one of the reasons came after e.
func after(events []eventsv1.Event, e eventsv1.Event, reasons ...string) bool {
	last, found := newest(events, reasons...)
	return found && seenAt(last).After(seenAt(e))
}

// seenAt is when an event was last seen. Which field says it depends on who made the event.
func seenAt(e eventsv1.Event) time.Time {
	last := e.CreationTimestamp.Time
	if e.DeprecatedLastTimestamp.After(last) {
		last = e.DeprecatedLastTimestamp.Time
	}
	if e.EventTime.After(last) {
		last = e.EventTime.Time
	}
	if e.Series != nil && e.Series.LastObservedTime.After(last) {
		last = e.Series.LastObservedTime.Time
	}
	return last
}
