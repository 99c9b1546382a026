package desired

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	batchv1ac "k8s.io/client-go/applyconfigurations/batch/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// SnapshotsVolume is the name of the volume of snapshots in the pods of OpenSearch.
const SnapshotsVolume = "snapshots"

const (
	// snapshotSeconds is how long a Job may wait for its snapshot. OpenSearch goes on with one whose Job is gone, and the next Job waits
	// for that.
	snapshotSeconds int64 = 6 * 3600
	// snapshotLateSeconds is how late a snapshot may begin, when nothing was there to begin it; then it is left out.
	snapshotLateSeconds int64 = 3600
	// snapshotRetries is how often a Job begins again.
	snapshotRetries int32 = 3
)

// SnapshotClaim is the volume claim that snapshots shall be kept on; empty when they are kept elsewhere, or none are taken.
func SnapshotClaim(rag *v1alpha1.RAGService) string {
	if rag.Spec.OpenSearch.External != nil || rag.Spec.OpenSearch.Snapshots == nil {
		return ""
	}
	return rag.Spec.OpenSearch.Snapshots.Repository.ClaimName
}

// snapshotClaim is the one that nodes mount: SnapshotClaim once it exists, since nodes that wait for a volume answer nobody.
func (b build) snapshotClaim() string {
	if b.SnapshotClaimMissing {
		return b.MountedSnapshotClaim
	}
	return SnapshotClaim(b.Service)
}

// snapshots is the objects that have snapshots of the documents taken: a CronJob, whose pods are of the server's image and ask
// OpenSearch.
func snapshots(p part, b build) (ComponentPlan, error) {
	spec := p.service.Spec.OpenSearch.Snapshots
	if spec == nil {
		return ComponentPlan{}, nil
	}
	pod, err := snapshotPod(p, b)
	if err != nil {
		return ComponentPlan{}, err
	}
	job := batchv1ac.CronJob(p.name(), p.namespace()).WithSpec(batchv1ac.CronJobSpec().
		WithSchedule(string(spec.Schedule)).
		WithTimeZone("Etc/UTC").
		WithSuspend(b.SnapshotClaimMissing).
		WithConcurrencyPolicy(batchv1.ForbidConcurrent).
		WithStartingDeadlineSeconds(snapshotLateSeconds).
		WithSuccessfulJobsHistoryLimit(1).
		WithFailedJobsHistoryLimit(1).
		WithJobTemplate(batchv1ac.JobTemplateSpec().
			WithLabels(p.operatedLabels()).
			WithSpec(batchv1ac.JobSpec().
				WithBackoffLimit(snapshotRetries).
				WithActiveDeadlineSeconds(snapshotSeconds).
				WithTemplate(podTemplate(p, nil, pod)))))
	objects := append([]Object{object(p, serviceAccount(p))}, networkPolicies(p, snapshotTraffic(b.Inputs))...)
	return ComponentPlan{Objects: append(objects, object(p, job))}, nil
}

// snapshotPod runs where servers may. Of what they mount it has their configuration and what opens OpenSearch.
func snapshotPod(p part, b build) (*corev1ac.PodSpecApplyConfiguration, error) {
	c := container("snapshot", imageOr(p.service.Spec.Server.Image, b.Operator.Images.Server)).
		WithArgs("snapshots", "--config", config.DefaultConfigFile, "take").
		WithResources(corev1ac.ResourceRequirements().
			WithRequests(corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi")}).
			WithLimits(corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m"), corev1.ResourceMemory: resource.MustParse("256Mi")}))
	spec := podSpec(p, serverUser).WithRestartPolicy(corev1.RestartPolicyNever)
	if err := place(p.service.Spec.Server.Scheduling, spec); err != nil {
		return nil, fieldError("spec.server.scheduling", err)
	}
	for _, f := range snapshotFolders(p.service) {
		c.WithVolumeMounts(readOnlyMount(*f.volume.Name, f.path))
		spec.WithVolumes(f.volume)
	}
	return spec.WithContainers(c), nil
}

// snapshotTraffic: nobody may ask, and OpenSearch is asked. The rule for its own pods is there so that the list is the operator's.
func snapshotTraffic(in Inputs) traffic {
	t := traffic{
		in:  []*ingressRule{from(pods(in.Service, ComponentSnapshots), tcp(serverPort))},
		out: []*egressRule{toNameServers()},
	}
	if in.Service.Spec.OpenSearch.External == nil {
		t.out = append(t.out, to(pods(in.Service, ComponentOpenSearch), tcp(OpenSearchPort)))
	}
	t.out = append(t.out, toExternalOpenSearch(in.Service)...)
	return t
}
