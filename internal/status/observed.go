package status

import (
	"slices"
	"time"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// Observed is what the children of a RAGService look like in one pass. It is a value: status judges it without a client.
type Observed struct {
	// Workloads are the Deployment and StatefulSets that exist, by component.
	Workloads map[desired.Component]Workload
	// Diagnostics are all containers and pods at fault, sorted by pod and container. A status shows some of them.
	Diagnostics []ComponentDiagnostic
	// ReusedVolumes are the storage classes of volumes that another RAGService left, by the store that uses them.
	ReusedVolumes map[desired.Component]string
	// Scaling is what keeps the server's autoscaler from its work; zero when nothing does, or there is none.
	Scaling ScalingFailure
	// Snapshots is what became of their schedule.
	Snapshots Schedule
	// SnapshotClaimMissing says that the volume claim for them does not exist.
	SnapshotClaimMissing bool
	// Poll is the last round of polling the servers.
	Poll Poll
	// RecheckAfter is when time alone will add a diagnostic; 0 for never.
	RecheckAfter time.Duration
}

// Workload is a Deployment or StatefulSet as its controller reports it.
type Workload struct {
	// Replicas exist, UpdatedReplicas are of the current template, ReadyReplicas answer.
	Replicas, UpdatedReplicas, ReadyReplicas int32
	// WantedReplicas is spec.replicas.
	WantedReplicas int32
	// ReadySince is when the youngest of its ready pods became ready; zero when that is not known.
	ReadySince time.Time
	// Refused is why its pods are not made; zero when they are.
	Refused Refusal
	// UpToDate says that its controller has seen its latest spec.
	UpToDate bool
}

// Refusal is why the API server refuses pods of a workload: a reason of conditions, and what is in the way, by name.
type Refusal struct{ Reason, Detail string }

// ScalingFailure is a condition of a HorizontalPodAutoscaler that is False, AbleToScale or ScalingActive, and its reason.
type ScalingFailure struct{ Condition, Reason string }

// ComponentDiagnostic is a Diagnostic and the component that it belongs to.
type ComponentDiagnostic struct {
	Component desired.Component
	// Detail is more for the message of a condition: a claim, a Secret, a volume. It names no pod.
	Detail string
	v1alpha1.Diagnostic
}

// Poll is one round of polling the servers of a RAGService.
type Poll struct {
	// At is when the round ended; zero before the first.
	At time.Time
	// Asked is the number of ready servers that were asked, Reports the last answer of each, sorted by pod. A server
	// that has not answered for 20 s has none.
	Asked   int
	Reports []telemetry.Statusz
	// Traffic is what all of them counted.
	Traffic Traffic
	// Unready are the last answers of running servers that are not ready: they say what they wait for.
	Unready []telemetry.Statusz
}

// all are the last answers of all running servers, ready or not.
func (p Poll) all() []telemetry.Statusz { return slices.Concat(p.Reports, p.Unready) }

// Reasons of diagnostics that status tells apart. Others are passed on as the kubelet names them. A container that
// fails goes to and fro between several reasons; it has one name here, so that a status does not.
const (
	// ReasonUnschedulable stands for a pod that no node takes.
	ReasonUnschedulable = "Unschedulable"
	// ReasonImagePullBackOff also stands for ErrImagePull, the attempts between the waits.
	ReasonImagePullBackOff = "ImagePullBackOff"
	// ReasonCrashLoopBackOff also stands for the moments in which the container runs or has just ended.
	ReasonCrashLoopBackOff = "CrashLoopBackOff"
	// ReasonRunContainerError stands for a container whose program cannot be started at all.
	ReasonRunContainerError = "RunContainerError"
	// ReasonOOMKilled stands for a container that keeps ending because it needs more memory than its limit.
	ReasonOOMKilled = "OOMKilled"
)
