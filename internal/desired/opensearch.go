package desired

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/ragservice/ragservice-operator/internal/serverconfig"
)

// openSearchGraceSeconds is OpenSearch's time to write to disk what it holds in memory.
const openSearchGraceSeconds int64 = 120

// openSearchLeaveSeconds pass before a node ends, until nobody begins to ask it.
const openSearchLeaveSeconds int64 = 5

// openSearch is the objects of the search engine: nodes with a volume each.
func openSearch(p part, b build) (ComponentPlan, error) {
	if p.service.Spec.OpenSearch.External != nil {
		return externalStore(p, b), nil
	}
	spec, err := serverconfig.ManagedOpenSearch(b.Service)
	if err != nil {
		return ComponentPlan{}, err
	}
	storage, err := quantity("spec.openSearch.managed.storage", spec.Storage)
	if err != nil {
		return ComponentPlan{}, err
	}
	heap, err := quantity("spec.openSearch.managed.heap", spec.Heap)
	if err != nil {
		return ComponentPlan{}, err
	}
	files, rollHash, err := openSearchConfig(p, b, storage)
	if err != nil {
		return ComponentPlan{}, err
	}
	pod := openSearchPod(p, imageOr(spec.Image, b.Operator.Images.OpenSearch), heap, *spec.Resources, b.snapshotClaim())
	claim := claimTemplate(p, storage, storageClass(b.Inputs, p.component, spec.StorageClassName))
	nodes := openSearchStatefulSet(p, b.nodesNow(), pod, claim, rollHash)
	if b.several() {
		nodes.WithAnnotations(map[string]string{AnnotationSeveralNodes: "true"})
	}
	objects := []Object{
		object(p, serviceAccount(p)),
		object(p, configMap(p, files, rollHash)),
	}
	objects = append(objects, networkPolicies(p, openSearchTraffic(b.Inputs))...)
	return ComponentPlan{
		Objects: append(objects,
			object(p, openSearchHeadless(p)),
			object(p, openSearchService(p)),
			object(p, podDisruptionBudget(p)),
			object(p, nodes),
		),
		Removal: b.removal(p.component, storage),
		Members: b.members(),
		Leaving: len(b.leaving()),
		Told:    b.told(),
		Emptied: b.emptied(),
		Actions: slices.Concat(b.nodeActions(storage), b.leave(), rollOpenSearch(b.OpenSearch, len(b.leaving()) > 0)),
	}, nil
}

func openSearchService(p part) *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service(p.name(), p.namespace()).WithSpec(corev1ac.ServiceSpec().
		WithType(corev1.ServiceTypeClusterIP).
		WithIPFamilyPolicy(corev1.IPFamilyPolicyPreferDualStack).
		WithSelector(p.selector()).
		WithPorts(servicePort("http", OpenSearchPort)))
}

// openSearchHeadless names nodes that are not ready too: they must find each other to become so.
func openSearchHeadless(p part) *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service(headlessName(p.service.Name), p.namespace()).WithSpec(corev1ac.ServiceSpec().
		WithType(corev1.ServiceTypeClusterIP).
		WithIPFamilyPolicy(corev1.IPFamilyPolicyPreferDualStack).
		WithClusterIP(corev1.ClusterIPNone).
		WithPublishNotReadyAddresses(true).
		WithSelector(p.selector()).
		WithPorts(servicePort("transport", transportPort)))
}

// openSearchStatefulSet leaves the replacement of pods to the operator (OnDelete), which knows the cluster's health; an
// ordered roll would wait for ever for a pod that cannot start.
func openSearchStatefulSet(
	p part, nodes int32, pod *corev1ac.PodSpecApplyConfiguration, claim *corev1ac.PersistentVolumeClaimApplyConfiguration, rollHash string,
) *appsv1ac.StatefulSetApplyConfiguration {
	return appsv1ac.StatefulSet(p.name(), p.namespace()).WithSpec(appsv1ac.StatefulSetSpec().
		WithReplicas(nodes).
		WithServiceName(headlessName(p.service.Name)).
		WithPodManagementPolicy(appsv1.ParallelPodManagement).
		WithUpdateStrategy(appsv1ac.StatefulSetUpdateStrategy().WithType(appsv1.OnDeleteStatefulSetStrategyType)).
		WithPersistentVolumeClaimRetentionPolicy(retainVolumes()).
		WithRevisionHistoryLimit(3).
		WithSelector(metav1ac.LabelSelector().WithMatchLabels(p.selector())).
		WithTemplate(podTemplate(p, map[string]string{AnnotationConfigHash: rollHash}, pod)).
		WithVolumeClaimTemplates(claim))
}

// openSearchPod starts the node on a copy of the image's configuration with our opensearch.yml in it: OpenSearch writes
// its keystore beside its configuration, and the image's folder is read-only.
func openSearchPod(
	p part, image string, heap resource.Quantity, resources corev1.ResourceRequirements, snapshotClaim string,
) *corev1ac.PodSpecApplyConfiguration {
	configure := container("configure", image).
		WithCommand("sh", "-c", fmt.Sprintf("cp -R %s/config/. %s/ && cat %[3]s/%[4]s %[3]s/%[5]s >%[2]s/%[4]s",
			openSearchHome, openSearchPathConf, openSearchMount, openSearchYAMLFile, restartYAMLFile)).
		WithResources(resourcesConfig(resources)).
		WithVolumeMounts(readOnlyMount("settings", openSearchMount), mount("config", openSearchPathConf))
	node := container(openSearchContainer, image).
		WithPorts(containerPort("http", OpenSearchPort), containerPort("transport", transportPort)).
		WithEnv(openSearchEnv(heap)...).
		WithEnv(fieldEnv("POD_IP", "status.podIP")).
		WithLifecycle(corev1ac.Lifecycle().WithPreStop(corev1ac.LifecycleHandler().
			WithSleep(corev1ac.SleepAction().WithSeconds(openSearchLeaveSeconds)))).
		WithResources(resourcesConfig(resources)).
		WithStartupProbe(processProbe().WithPeriodSeconds(5).WithFailureThreshold(120)).
		WithLivenessProbe(processProbe().WithPeriodSeconds(20).WithFailureThreshold(6)).
		WithReadinessProbe(processProbe().WithPeriodSeconds(5).WithFailureThreshold(3)).
		WithVolumeMounts(
			mount("config", openSearchPathConf),
			mount(DataVolume, openSearchHome+"/data"),
			mount("logs", openSearchHome+"/logs"),
			mount("tmp", "/tmp"))
	spec := podSpec(p, openSearchUser).
		WithTopologySpreadConstraints(corev1ac.TopologySpreadConstraint().
			WithTopologyKey(corev1.LabelHostname).
			WithMaxSkew(1).
			WithWhenUnsatisfiable(corev1.ScheduleAnyway).
			WithLabelSelector(ownPods(p))).
		WithAffinity(corev1ac.Affinity().WithPodAntiAffinity(corev1ac.PodAntiAffinity().
			WithPreferredDuringSchedulingIgnoredDuringExecution(corev1ac.WeightedPodAffinityTerm().WithWeight(100).
				WithPodAffinityTerm(corev1ac.PodAffinityTerm().WithTopologyKey(corev1.LabelTopologyZone).WithLabelSelector(ownPods(p))))))
	if snapshotClaim != "" {
		node.WithVolumeMounts(mount(SnapshotsVolume, openSearchSnapshots))
		spec.WithVolumes(claimVolume(SnapshotsVolume, snapshotClaim))
	}
	return spec.
		WithTerminationGracePeriodSeconds(openSearchGraceSeconds).
		WithInitContainers(configure).
		WithContainers(node).
		WithVolumes(configMapVolume("settings", p.name()), emptyDir("config"), emptyDir("logs"), emptyDir("tmp"))
}

// openSearchEnv turns off what the official image would set up by itself: TLS with well-known demo certificates, and an
// agent that writes into its own folder. Access is closed by NetworkPolicy.
func openSearchEnv(heap resource.Quantity) []*corev1ac.EnvVarApplyConfiguration {
	env := func(name, value string) *corev1ac.EnvVarApplyConfiguration {
		return corev1ac.EnvVar().WithName(name).WithValue(value)
	}
	return []*corev1ac.EnvVarApplyConfiguration{
		env("OPENSEARCH_PATH_CONF", openSearchPathConf),
		env("OPENSEARCH_JAVA_OPTS", javaOptions(heap)),
		env("DISABLE_SECURITY_PLUGIN", "true"),
		env("DISABLE_INSTALL_DEMO_CONFIG", "true"),
		env("DISABLE_PERFORMANCE_ANALYZER_AGENT_CLI", "true"),
	}
}

// processProbe asks for the process and not for the cluster's health: an unhealthy cluster needs its nodes, and a
// readiness that waits for the others would keep all of them out.
func processProbe() *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().
		WithTCPSocket(corev1ac.TCPSocketAction().WithPort(intstr.FromString("http"))).
		WithTimeoutSeconds(3)
}
