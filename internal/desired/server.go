package desired

import (
	"cmp"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// configFile is the entry of the server's ConfigMap.
const configFile = "config.yaml"

// serverConfig is the server's configuration as it is written.
type serverConfig struct {
	yaml []byte
	// hash identifies yaml, startHash that part of it which a running server does not take up.
	hash, startHash string
	// logFile needs a volume.
	logFile config.LogFile
}

// server is the objects of the server: the API's Service in front of a Deployment.
func server(p part, b build) (ComponentPlan, error) {
	deployment, err := serverDeployment(p, b)
	if err != nil {
		return ComponentPlan{}, err
	}
	objects := []Object{
		object(p, serviceAccount(p)),
		object(p, configMap(p, map[string]string{configFile: string(b.config.yaml)}, b.config.hash)),
	}
	objects = append(objects, networkPolicies(p, serverTraffic(b.Inputs))...)
	objects = append(objects, object(p, serverService(p)), object(p, podDisruptionBudget(p)), object(p, deployment))
	if given := p.service.Spec.Server.Ingress; given != nil {
		objects = append(objects, object(p, ingress(p, *given)))
	}
	if a, on := serverconfig.Autoscaled(b.Service); on {
		objects = append(objects, object(p, autoscaler(p, a)))
	}
	routes, missing := b.route(p)
	return ComponentPlan{First: b.handOver(p), Objects: append(objects, routes...), Missing: missing}, nil
}

// The port of the server's Service.
const (
	apiPortName       = "http"
	apiPort     int32 = 80
)

// serverService has no port for administration: probes, metrics and the operator go to the pods.
func serverService(p part) *corev1ac.ServiceApplyConfiguration {
	given := p.service.Spec.Server.Service
	return corev1ac.Service(p.name(), p.namespace()).WithAnnotations(given.Annotations).WithSpec(corev1ac.ServiceSpec().
		WithType(corev1.ServiceType(cmp.Or(given.Type, v1alpha1.ServiceTypeClusterIP))).
		WithIPFamilyPolicy(corev1.IPFamilyPolicyPreferDualStack).
		WithSelector(p.selector()).
		WithPorts(servicePort(apiPortName, apiPort)))
}

// servicePort leads to the container's port of the same name.
func servicePort(name string, port int32) *corev1ac.ServicePortApplyConfiguration {
	return corev1ac.ServicePort().
		WithName(name).
		WithProtocol(corev1.ProtocolTCP).
		WithPort(port).
		WithTargetPort(intstr.FromString(name))
}

// serverDeployment replaces a pod only after its successor is ready: no request is refused while it rolls.
func serverDeployment(p part, b build) (*appsv1ac.DeploymentApplyConfiguration, error) {
	pod, err := serverPod(p, b.Inputs, b.config.logFile)
	if err != nil {
		return nil, err
	}
	template := podTemplate(p, map[string]string{
		AnnotationSecretsHash: b.Secrets.RollHashes[p.component],
		AnnotationStartHash:   b.config.startHash,
	}, pod)
	deployment := appsv1ac.Deployment(p.name(), p.namespace()).WithSpec(appsv1ac.DeploymentSpec().
		WithRevisionHistoryLimit(3).
		WithSelector(metav1ac.LabelSelector().WithMatchLabels(p.selector())).
		WithStrategy(appsv1ac.DeploymentStrategy().
			WithType(appsv1.RollingUpdateDeploymentStrategyType).
			WithRollingUpdate(appsv1ac.RollingUpdateDeployment().
				WithMaxUnavailable(intstr.FromInt32(0)).
				WithMaxSurge(intstr.FromInt32(1)))).
		WithTemplate(template))
	b.scale(deployment)
	return deployment, nil
}

// newServerConfig marks what a running server does not take up: the stores' addresses, the shards and the languages that the index is
// made for, and the fallbacks, whose keys must not reach another's address.
func newServerConfig(yaml []byte, c config.Config) (serverConfig, error) {
	stores := c.Stores
	if stores.OpenSearch != nil {
		live := *stores.OpenSearch
		live.Replicas, live.Snapshots = 0, nil
		stores.OpenSearch = &live
	}
	read := []any{stores, c.Retrieval.Languages, c.LLM.BaseURL}
	if len(c.LLM.Fallbacks) > 0 {
		read = append(read, c.LLM.Fallbacks)
	}
	if c.Tracing != nil {
		read = append(read, c.Tracing.Endpoint, c.Tracing.Protocol)
	}
	start, err := json.Marshal(read)
	if err != nil {
		return serverConfig{}, fmt.Errorf("hashing what a server reads when it starts: %w", err)
	}
	return serverConfig{yaml: yaml, hash: config.Hash(yaml), startHash: config.Hash(start), logFile: c.Logging.File}, nil
}
