package desired_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
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

// TestNodesDoNotWaitForAVolumeThatIsNotThere: they keep the one that they have, and no snapshot is taken meanwhile.
func TestNodesDoNotWaitForAVolumeThatIsNotThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		missing   bool
		mounted   string
		want      string
		suspended bool
	}{
		"there":             {false, "", "backups", false},
		"missing":           {true, "", "", true},
		"missing, with one": {true, "earlier", "earlier", true},
	} {
		in := desiredtest.Inputs(desiredtest.Full())
		in.SnapshotClaimMissing, in.MountedSnapshotClaim = c.missing, c.mounted
		plan := build(t, in)
		got := ""
		for _, v := range templates(t, plan)[desired.ComponentOpenSearch].Spec.Volumes {
			if v.Name == desired.SnapshotsVolume {
				got = v.PersistentVolumeClaim.ClaimName
			}
		}
		configured := strings.Contains(find[corev1.ConfigMap](t, plan, "ConfigMap", "papers-opensearch").Data["opensearch.yml"], "path.repo")
		if got != c.want || configured != (c.want != "") {
			t.Errorf("%s: nodes mount %q, want %q; path.repo is set %t", name, got, c.want, configured)
		}
		if suspended := find[batchv1.CronJob](t, plan, "CronJob", "papers-snapshots").Spec.Suspend; *suspended != c.suspended {
			t.Errorf("%s: the schedule is suspended %t, want %t", name, *suspended, c.suspended)
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
	if diff := cmp.Diff(&corev1.Affinity{NodeAffinity: rag.Spec.Server.Scheduling.Affinity.NodeAffinity}, pod.Affinity); diff != "" {
		t.Errorf("affinity (-want +got):\n%s", diff)
	}
	if pod.PriorityClassName != rag.Spec.Server.Scheduling.PriorityClassName {
		t.Errorf("priorityClassName %s", pod.PriorityClassName)
	}
	if got := pod.Containers[0].Image; got != string(rag.Spec.Server.Image) {
		t.Errorf("image %s, want the server's", got)
	}
}

func snapshotPod(t *testing.T, rag *v1alpha1.RAGService) corev1.PodSpec {
	t.Helper()
	return templates(t, build(t, desiredtest.Inputs(rag)))[desired.ComponentSnapshots].Spec
}
