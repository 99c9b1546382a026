package observed

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
