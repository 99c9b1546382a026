package desired

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// redisGraceSeconds is Redis's time to write its append-only file to the end.
const redisGraceSeconds int64 = 30

// redisInstance is one of the two Redis servers.
type redisInstance struct {
	part
	image     string
	conf      string
	resources corev1.ResourceRequirements
	// data is where /data lives: a volume claim template, or nil for an emptyDir.
	data *corev1ac.PersistentVolumeClaimApplyConfiguration
}

// redisCache and redisState are two servers, because memory pressure must evict cached results and never a bucket, and a Redis
// server has one policy.
func redisCache(p part, b build) (ComponentPlan, error) {
	if b.Service.Spec.Redis.External != nil {
		return externalStore(p, b), nil
	}
	spec, err := serverconfig.RedisCache(b.Service)
	if err != nil {
		return ComponentPlan{}, err
	}
	r := redisInstance{
		part:      p,
		image:     imageOr(spec.Image, b.Operator.Images.Redis),
		conf:      cacheConf(spec.MaxMemory, serverconfig.ManagedRedisTLS(b.Service)).String(),
		resources: spec.Resources,
	}
	return ComponentPlan{Objects: r.objects(b.Inputs)}, nil
}

// redisState is the instance that keeps buckets, on a volume.
func redisState(p part, b build) (ComponentPlan, error) {
	if b.Service.Spec.Redis.External != nil {
		return externalStore(p, b), nil
	}
	spec, err := serverconfig.RedisState(b.Service)
	if err != nil {
		return ComponentPlan{}, err
	}
	r := redisInstance{
		part:      p,
		image:     imageOr(spec.Image, b.Operator.Images.Redis),
		conf:      stateConf(spec.MaxMemory, spec.Storage, serverconfig.ManagedRedisTLS(b.Service)).String(),
		resources: spec.Resources,
		data:      claimTemplate(p, spec.Storage, storageClass(b.Inputs, p.component, spec.StorageClassName)),
	}
	return ComponentPlan{
		Objects: r.objects(b.Inputs),
		Removal: b.removal(p.component, spec.Storage),
		Actions: b.keepClaim(p.component, spec.Storage),
	}, nil
}

func (r redisInstance) objects(in Inputs) []Object {
	hash := config.Hash([]byte(r.conf))
	objects := []Object{
		object(r.part, serviceAccount(r.part)),
		object(r.part, configMap(r.part, map[string]string{redisConfFile: r.conf}, hash)),
	}
	objects = append(objects, networkPolicies(r.part, redisTraffic(in, r.component))...)
	return append(objects,
		object(r.part, r.clusterService()),
		object(r.part, podDisruptionBudget(r.part)),
		object(r.part, r.statefulSet(map[string]string{
			AnnotationConfigHash:  hash,
			AnnotationSecretsHash: in.Secrets.RollHashes[r.component],
		})),
	)
}

// clusterService has an address that stays when the pod is replaced, so that clients need no new one from DNS.
func (r redisInstance) clusterService() *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service(r.name(), r.namespace()).WithSpec(corev1ac.ServiceSpec().
		WithType(corev1.ServiceTypeClusterIP).
		WithIPFamilyPolicy(corev1.IPFamilyPolicyPreferDualStack).
		WithSelector(r.selector()).
		WithPorts(servicePort("redis", redisPort)))
}

// statefulSet runs one pod, never two on one volume. Parallel, because an ordered one that rolls waits for ever for a
// pod that cannot start, even when the cause is gone from its template.
func (r redisInstance) statefulSet(rollOn map[string]string) *appsv1ac.StatefulSetApplyConfiguration {
	spec := appsv1ac.StatefulSetSpec().
		WithReplicas(1).
		WithServiceName(r.name()).
		WithPodManagementPolicy(appsv1.ParallelPodManagement).
		WithUpdateStrategy(appsv1ac.StatefulSetUpdateStrategy().WithType(appsv1.RollingUpdateStatefulSetStrategyType)).
		WithPersistentVolumeClaimRetentionPolicy(retainVolumes()).
		WithRevisionHistoryLimit(3).
		WithSelector(metav1ac.LabelSelector().WithMatchLabels(r.selector())).
		WithTemplate(podTemplate(r.part, rollOn, r.pod()))
	if r.data != nil {
		spec.WithVolumeClaimTemplates(r.data)
	}
	return appsv1ac.StatefulSet(r.name(), r.namespace()).WithSpec(spec)
}

// retainVolumes keeps documents and buckets when a StatefulSet goes; spec.deletionPolicy speaks of the RAGService.
func retainVolumes() *appsv1ac.StatefulSetPersistentVolumeClaimRetentionPolicyApplyConfiguration {
	return appsv1ac.StatefulSetPersistentVolumeClaimRetentionPolicy().
		WithWhenDeleted(appsv1.RetainPersistentVolumeClaimRetentionPolicyType).
		WithWhenScaled(appsv1.RetainPersistentVolumeClaimRetentionPolicyType)
}

// pod has the password in two places: in a file that redis.conf includes, and in the environment, where the probes'
// redis-cli finds it. A command line would show it to everybody on the node.
func (r redisInstance) pod() *corev1ac.PodSpecApplyConfiguration {
	secret := RedisSecretName(r.service.Name)
	c := container(redisContainer, r.image).
		WithCommand("redis-server", redisConfDir+"/"+redisConfFile).
		WithPorts(containerPort("redis", redisPort)).
		WithEnv(corev1ac.EnvVar().WithName("REDISCLI_AUTH").WithValueFrom(corev1ac.EnvVarSource().
			WithSecretKeyRef(corev1ac.SecretKeySelector().WithName(secret).WithKey(RedisPasswordKey)))).
		WithResources(resourcesConfig(r.resources)).
		WithStartupProbe(r.pingProbe().WithPeriodSeconds(2).WithFailureThreshold(150)).
		WithLivenessProbe(r.pingProbe().WithPeriodSeconds(10).WithFailureThreshold(6)).
		WithReadinessProbe(r.pingProbe("-e").WithPeriodSeconds(5).WithFailureThreshold(2)).
		WithVolumeMounts(readOnlyMount("config", redisConfDir), mount(DataVolume, redisDataDir))
	spec := podSpec(r.part, redisUser).
		WithTerminationGracePeriodSeconds(redisGraceSeconds).
		WithContainers(c).
		WithVolumes(r.files())
	if r.data == nil {
		spec.WithVolumes(emptyDir(DataVolume))
	}
	return spec
}

// files are what Redis reads when it starts: redis.conf, and what of it is secret.
func (r redisInstance) files() *corev1ac.VolumeApplyConfiguration {
	secret := func(name string, items ...*corev1ac.KeyToPathApplyConfiguration) *corev1ac.VolumeProjectionApplyConfiguration {
		return corev1ac.VolumeProjection().WithSecret(corev1ac.SecretProjection().WithName(name).WithItems(items...))
	}
	sources := corev1ac.ProjectedVolumeSource().WithDefaultMode(fileMode).WithSources(
		corev1ac.VolumeProjection().WithConfigMap(corev1ac.ConfigMapProjection().
			WithName(r.name()).WithItems(keyToPath(redisConfFile, redisConfFile))),
		secret(RedisSecretName(r.service.Name), keyToPath(RedisAuthConfKey, redisAuthFile)),
	)
	if serverconfig.ManagedRedisTLS(r.service) {
		sources.WithSources(secret(RedisTLSSecretName(r.service.Name),
			keyToPath(RedisCertificateKey, redisTLSDir+"/"+RedisCertificateKey),
			keyToPath(RedisCertificateKeyKey, redisTLSDir+"/"+RedisCertificateKeyKey)))
	}
	return corev1ac.Volume().WithName("config").WithProjected(sources)
}

// pingProbe succeeds on any answer, so a server that still loads its data lives; with -e only on PONG. It asks its own pod, and trusts any
// certificate: Redis is not restarted because one has expired.
func (r redisInstance) pingProbe(options ...string) *corev1ac.ProbeApplyConfiguration {
	command := append([]string{"redis-cli"}, options...)
	if serverconfig.ManagedRedisTLS(r.service) {
		command = append(command, "--tls", "--insecure")
	}
	return corev1ac.Probe().
		WithExec(corev1ac.ExecAction().WithCommand(append(command, "ping")...)).
		WithTimeoutSeconds(3)
}
