package desired_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

// TestSnapshotsHoldNoOtherSecret: what takes them opens OpenSearch, and nothing else.
func TestSnapshotsHoldNoOtherSecret(t *testing.T) {
	t.Parallel()
	elsewhere := external()
	elsewhere.Spec.OpenSearch.Snapshots = &v1alpha1.SnapshotsSpec{Repository: v1alpha1.SnapshotRepository{Name: "s3"}, Schedule: "@daily"}
	for name, c := range map[string]struct {
		service *v1alpha1.RAGService
		want    []string
	}{
		"managed":  {desiredtest.Full(), nil},
		"external": {elsewhere, []string{"search", "authority"}},
	} {
		var secrets []string
		for _, v := range snapshotPod(t, c.service).Volumes {
			if v.Secret != nil {
				secrets = append(secrets, v.Secret.SecretName)
			}
		}
		if diff := cmp.Diff(c.want, secrets); diff != "" {
			t.Errorf("%s: mounts Secrets (-want +got):\n%s", name, diff)
		}
	}
}

// TestAnotherScheduleRestartsNothing: neither servers nor OpenSearch, unless its nodes get another volume.
func TestAnotherScheduleRestartsNothing(t *testing.T) {
	t.Parallel()
	hashes := func(s *v1alpha1.SnapshotsSpec) (server, openSearch string) {
		rag := desiredtest.Full()
		rag.Spec.OpenSearch.Snapshots = s
		plan := build(t, desiredtest.Inputs(rag))
		return find[appsv1.Deployment](t, plan, "Deployment", "papers-server").Spec.Template.Annotations[desired.AnnotationStartHash],
			find[appsv1.StatefulSet](t, plan, "StatefulSet", "papers-opensearch").Spec.Template.Annotations[desired.AnnotationConfigHash]
	}
	of := func(repository v1alpha1.SnapshotRepository, schedule v1alpha1.CronSchedule, keep int32) *v1alpha1.SnapshotsSpec {
		return &v1alpha1.SnapshotsSpec{Repository: repository, Schedule: schedule, Keep: &keep}
	}
	volume, elsewhere := v1alpha1.SnapshotRepository{ClaimName: "backups"}, v1alpha1.SnapshotRepository{Name: "s3"}
	server, openSearch := hashes(of(volume, "@daily", 1))
	for name, c := range map[string]struct {
		snapshots *v1alpha1.SnapshotsSpec
		rolls     bool
	}{
		"schedule and number":  {of(volume, "@hourly", 2), false},
		"no volume":            {of(elsewhere, "@daily", 1), true},
		"no snapshots, volume": {nil, true},
	} {
		otherServer, other := hashes(c.snapshots)
		if otherServer != server || (other != openSearch) != c.rolls {
			t.Errorf("%s: servers start anew %t, want false; OpenSearch %t, want %t", name, otherServer != server, other != openSearch, c.rolls)
		}
	}
}

func TestSnapshotsGoWhereServersMay(t *testing.T) {
	t.Parallel()
	rag := desiredtest.Full()
	pod := snapshotPod(t, rag)
	if diff := cmp.Diff(rag.Spec.Server.Scheduling.NodeSelector, pod.NodeSelector); diff != "" {
		t.Errorf("nodeSelector (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(rag.Spec.Server.Scheduling.Tolerations, pod.Tolerations); diff != "" {
		t.Errorf("tolerations (-want +got):\n%s", diff)
	}
	if got := pod.Containers[0].Image; got != string(rag.Spec.Server.Image) {
		t.Errorf("image %s, want the server's", got)
	}
}

func snapshotPod(t *testing.T, rag *v1alpha1.RAGService) corev1.PodSpec {
	t.Helper()
	return templates(t, build(t, desiredtest.Inputs(rag)))[desired.ComponentSnapshots].Spec
}
