package observe

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// store is OpenSearch's StatefulSet, whose controller reports pods pods.
func (c *cluster) store(pods int32) *appsv1.StatefulSet {
	c.t.Helper()
	labels := desired.Labels("papers", desired.ComponentOpenSearch)
	spec := template()
	spec.Labels = labels
	set := &appsv1.StatefulSet{
		ObjectMeta: c.meta("papers-opensearch", c.rag.UID, labels),
		Spec: appsv1.StatefulSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: desired.Selector("papers", desired.ComponentOpenSearch)}, Template: spec,
		},
	}
	c.create(set)
	c.report(set, pods)
	return set
}

func (c *cluster) report(set *appsv1.StatefulSet, pods int32) {
	c.t.Helper()
	set.Status = appsv1.StatefulSetStatus{ObservedGeneration: 1, Replicas: pods, UpdatedReplicas: pods}
	if err := c.Status().Update(c.t.Context(), set); err != nil {
		c.t.Fatal(err)
	}
}

// storePod is the pod of a store with a status.
func (c *cluster) storePod(set *appsv1.StatefulSet, status corev1.PodStatus) *corev1.Pod {
	c.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: c.meta(set.Name+"-0", set.UID, desired.Labels("papers", desired.ComponentOpenSearch)), Spec: template().Spec,
	}
	c.create(pod)
	pod.Status = status
	if err := c.Status().Update(c.t.Context(), pod); err != nil {
		c.t.Fatal(err)
	}
	return pod
}

// event writes an event about an object as controllers and kubelets do.
func (c *cluster) event(uid types.UID, reason, message string, at time.Time) {
	c.t.Helper()
	c.create(&corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: c.namespace, GenerateName: "e-"},
		InvolvedObject: corev1.ObjectReference{Namespace: c.namespace, UID: uid},
		Reason:         reason, Message: message, LastTimestamp: metav1.NewTime(at),
	})
}

// sight is an Observer with a clock.
type sight struct {
	*Observer
	c     *cluster
	clock time.Time
}

func (c *cluster) sight() *sight {
	s := &sight{c: c, clock: time.Now()}
	s.Observer = &Observer{Reader: c, Poller: NewPoller(c), Now: func() time.Time { return s.clock }, Live: c}
	return s
}

func (s *sight) look() status.Observed {
	s.c.t.Helper()
	return s.c.observe(s.Observer)
}

// details are "reason detail" of what is diagnosed.
func details(seen status.Observed) []string {
	var out []string
	for _, d := range seen.Diagnostics {
		out = append(out, d.Reason+" "+d.Detail)
	}
	return out
}

func TestAStatefulSetWhosePodsAreRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	set := c.store(0)
	s := c.sight()
	c.event(set.UID, "FailedCreate", `create Pod papers-opensearch-0 in StatefulSet papers-opensearch failed error: `+
		`pods "papers-opensearch-0" is forbidden: failed quota: q: must specify limits.cpu for: opensearch`, s.clock)
	if seen := s.look(); seen.Workloads[desired.ComponentOpenSearch].Refused.Reason != "" || seen.RecheckAfter != stuckGrace {
		t.Errorf("at once: %+v, next look in %s", seen.Workloads, seen.RecheckAfter)
	}
	s.clock = s.clock.Add(stuckGrace)
	want := status.Refusal{Reason: "QuotaExceeded", Detail: "quota q asks for limits.cpu"}
	if seen := s.look(); seen.Workloads[desired.ComponentOpenSearch].Refused != want || seen.RecheckAfter != stuckInterval {
		t.Errorf("after %s: %+v, next look in %s", stuckGrace, seen.Workloads, seen.RecheckAfter)
	}
	c.report(set, 1)
	if seen := s.look(); seen.Workloads[desired.ComponentOpenSearch].Refused.Reason != "" {
		t.Errorf("with its pod it is still refused: %+v", seen.Workloads)
	}
}

func TestADeploymentWhosePodsAreRefused(t *testing.T) {
	t.Parallel()
	seen := WorkloadOf(&appsv1.Deployment{Status: appsv1.DeploymentStatus{Conditions: []appsv1.DeploymentCondition{{
		Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate",
		Message: `pods "papers-server-x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2`,
	}}}})
	if want := (status.Refusal{Reason: "QuotaExceeded", Detail: "quota q, requested pods=1"}); seen.Refused != want {
		t.Errorf("%+v, want %+v", seen.Refused, want)
	}
}

// TestWhatKeepsAPodFromItsContainers has a pod that came to its node a minute ago.
func TestWhatKeepsAPodFromItsContainers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		events [][2]string
		want   []string
	}{
		"nothing is known":  {nil, nil},
		"an image is large": {[][2]string{{"FailedMount", `for volume "v"`}, {"Pulling", "Pulling image"}}, nil},
		"a Secret is missing": {
			[][2]string{{"Scheduled", "ok"}, {"FailedMount", `MountVolume.SetUp failed for volume "keys" : secret "papers-api-keys" not found`}},
			[]string{`MountFailed Secret "papers-api-keys" does not exist`},
		},
		"a key is missing": {
			[][2]string{{"FailedMount", `MountVolume.SetUp failed for volume "llm" : references non-existent secret key: token`}},
			[]string{`MountFailed the source of volume "llm" has no entry "token"`},
		},
		"a node was lost": {
			[][2]string{
				{"FailedAttachVolume", `Multi-Attach error for volume "pvc-1" Volume is already exclusively attached to one node`},
				{"FailedMount", "Unable to attach or mount volumes: timed out"},
			},
			[]string{"AttachFailed its volume is attached to another node"},
		},
		"no sandbox": {[][2]string{{"FailedCreatePodSandBox", "hunter2"}}, []string{"FailedCreatePodSandBox "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := newCluster(t)
			s := world.sight()
			pod := world.storePod(world.store(1), corev1.PodStatus{
				Phase: corev1.PodPending,
				Conditions: []corev1.PodCondition{{
					Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(s.clock.Add(-time.Minute)),
				}},
				ContainerStatuses: []corev1.ContainerStatus{{Name: "opensearch", State: waiting("ContainerCreating")}},
			})
			for i, e := range c.events { // in the future, so that their creation does not decide
				world.event(pod.UID, e[0], e[1], s.clock.Add(time.Duration(i+1)*time.Minute))
			}
			if diff := cmp.Diff(c.want, details(s.look())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAClaimWithoutAVolume has a pod that no node takes, for that reason or for another.
func TestAClaimWithoutAVolume(t *testing.T) {
	t.Parallel()
	const claimName = "data-papers-opensearch-0"
	for name, c := range map[string]struct {
		class         *string
		event, reason string
		want          string
		maker         string
	}{
		"it waits for a node": {new("fast"), "WaitForFirstConsumer", "waiting for first consumer", "Unschedulable ", ""},
		"no such class": {
			new("nope"), "ProvisioningFailed", `storageclass.storage.k8s.io "nope" not found`,
			`VolumeNotBound ` + claimName + `: storage class "nope" does not exist`, "rag",
		},
		"no such class, from earlier": {
			new("nope"), "ProvisioningFailed", `storageclass.storage.k8s.io "nope" not found`,
			`VolumeNotBound ` + claimName + `: storage class "nope" does not exist; an earlier RAGService left the claim, delete it to have another made`,
			"earlier",
		},
		"no class": {
			nil, "FailedBinding", "no persistent volumes available for this claim and no storage class is set",
			`VolumeNotBound ` + claimName + `: no storage class is set, the cluster has no default, and no volume fits`, "",
		},
		"the provisioner fails": {
			new("fast"), "ProvisioningFailed", `failed to provision volume: rpc error: hunter2`,
			`VolumeNotBound ` + claimName + `: storage class "fast" cannot make it`, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := newCluster(t)
			s := world.sight()
			world.storePod(world.store(1), corev1.PodStatus{
				Phase: corev1.PodPending,
				Conditions: []corev1.PodCondition{{
					Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
					LastTransitionTime: metav1.NewTime(s.clock.Add(-time.Minute)),
				}},
			})
			uid := world.create(&corev1.PersistentVolumeClaim{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: world.namespace, Name: desired.ClaimName("papers", desired.ComponentOpenSearch),
					Labels:      desired.Labels("papers", desired.ComponentOpenSearch),
					Annotations: madeBy(c.maker),
				},
				Spec: volumeOfOneGi(c.class),
			})
			world.event(uid, c.event, c.reason, s.clock)
			if diff := cmp.Diff([]string{c.want}, details(s.look())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// madeBy is the stamp of the RAGService that made a claim; none for an empty UID.
func madeBy(uid string) map[string]string {
	if uid == "" {
		return nil
	}
	return map[string]string{desired.AnnotationServiceUID: uid}
}
