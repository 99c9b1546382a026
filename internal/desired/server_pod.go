package desired

import (
	"fmt"
	"path"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// serverGraceSeconds is how long a server may take to end. It drains by itself, so there is no preStop hook: at SIGTERM /readyz turns, a
// few seconds pass until nobody sends new requests, and what is in flight has all the time that it was given, streams too. A server
// without requests ends after 6 s. 5 s are for a process that does not get its turn.
const serverGraceSeconds = int64(config.EndTimeout/time.Second) + 5

// startupSeconds is how long a server may take to listen on its admin port, on a node that has no time for it. Whatever it waits for after
// that, stores that start and an index that is built anew, is readiness: the process lives. It is dead when it does not answer for a
// minute; one that has too much to do, or too little CPU, is not.
const startupSeconds = 300

func serverPod(p part, in Inputs, log config.LogFile) (*corev1ac.PodSpecApplyConfiguration, error) {
	limits := serverconfig.ServerResources(in.Service)
	c := container(ServerContainer, imageOr(in.Service.Spec.Server.Image, in.Operator.Images.Server)).
		WithArgs(
			"--config", config.DefaultConfigFile,
			"--listen", fmt.Sprintf(":%d", serverPort),
			"--admin-listen", fmt.Sprintf(":%d", AdminPort)).
		WithPorts(containerPort("http", serverPort), containerPort("admin", AdminPort)).
		WithEnv(fieldEnv("POD_UID", "metadata.uid"), fieldEnv("POD_NAME", "metadata.name")).
		WithResources(resourcesConfig(limits)).
		WithStartupProbe(httpProbe("/healthz").WithPeriodSeconds(2).WithFailureThreshold(startupSeconds / 2)).
		WithLivenessProbe(httpProbe("/healthz").WithTimeoutSeconds(5).WithPeriodSeconds(10).WithFailureThreshold(6)).
		WithReadinessProbe(httpProbe("/readyz").WithPeriodSeconds(3).WithFailureThreshold(2))
	if goal, bounded := memoryGoal(limits); bounded {
		c.WithEnv(corev1ac.EnvVar().WithName("GOMEMLIMIT").WithValue(goal))
	}
	for _, v := range in.Service.Spec.Server.Env {
		variable := corev1ac.EnvVar().WithName(v.Name)
		if v.Value != "" { // the API server drops an empty one, which would look like drift
			variable.WithValue(v.Value)
		}
		c.WithEnv(variable)
	}
	spec := podSpec(p, serverUser).WithTerminationGracePeriodSeconds(serverGraceSeconds)
	if err := schedule(p, in.Service.Spec.Server.Scheduling, spec); err != nil {
		return nil, fieldError("spec.server.scheduling", err)
	}
	for _, f := range serverFolders(in.Service) {
		c.WithVolumeMounts(readOnlyMount(*f.volume.Name, f.path))
		spec.WithVolumes(f.volume)
	}
	if log.Enabled {
		c.WithVolumeMounts(mount(logVolume, config.DefaultLogDir))
		spec.WithVolumes(logFiles(log))
	}
	return spec.WithContainers(c), nil
}

// logVolume is the volume of the log's files.
const logVolume = "logs"

// logFiles is a volume for the log's files, which the server keeps under log.MaxBytes itself: the kubelet evicts a pod that has more
// than the limit of its volume. What folders and the last block of each file take is beside.
func logFiles(log config.LogFile) *corev1ac.VolumeApplyConfiguration {
	const beside = 1 << 20
	return corev1ac.Volume().WithName(logVolume).WithEmptyDir(corev1ac.EmptyDirVolumeSource().
		WithSizeLimit(*resource.NewQuantity(log.MaxBytes+beside, resource.BinarySI)))
}

// folder is a volume and where it is mounted.
type folder struct {
	volume *corev1ac.VolumeApplyConfiguration
	path   string
}

// serverFolders are mounted whole, never by subPath, so that what changes reaches a running server.
func serverFolders(rag *v1alpha1.RAGService) []folder {
	folders := append([]folder{configFolder(rag)}, redisFolders(rag)...)
	folders = append(folders,
		secretFolder(config.HashKeysSecretDir, HashKeysSecretName(rag.Name), keyToPath(CallerHashKey, config.CallerHashKeyFile)),
		secretFolder(config.APIKeysSecretDir, APIKeysSecretName(rag)))
	return append(folders, entryFolders(ServerSecrets(rag))...)
}

// snapshotFolders are those of what takes snapshots.
func snapshotFolders(rag *v1alpha1.RAGService) []folder {
	var entries []ServerSecret
	for _, entry := range ServerSecrets(rag) {
		if entry.dir == config.OpenSearchSecretDir || entry.dir == config.OpenSearchCADir {
			entries = append(entries, entry)
		}
	}
	return append([]folder{configFolder(rag)}, entryFolders(entries)...)
}

func configFolder(rag *v1alpha1.RAGService) folder {
	return folder{configMapVolume("config", Name(rag.Name, ComponentServer)), path.Dir(config.DefaultConfigFile)}
}

func secretFolder(dir, name string, items ...*corev1ac.KeyToPathApplyConfiguration) folder {
	return folder{secretVolume(dir, name, items...), path.Join(config.DefaultSecretsDir, dir)}
}

// entryFolders has a folder for each Secret of the entries.
func entryFolders(entries []ServerSecret) []folder {
	var folders []folder
	for i, entry := range entries {
		item := keyToPath(entry.Ref.Key, entry.file)
		if i > 0 && entries[i-1].dir == entry.dir {
			folders[len(folders)-1].volume.Secret.WithItems(item)
			continue
		}
		folders = append(folders, secretFolder(entry.dir, entry.Ref.Name, item))
	}
	return folders
}

// memoryGoal is what the garbage collector works harder to stay under: nine tenths of the limit, in bytes.
func memoryGoal(r corev1.ResourceRequirements) (string, bool) {
	limit, ok := r.Limits[corev1.ResourceMemory]
	if !ok {
		return "", false
	}
	return strconv.FormatInt(limit.Value()/10*9, 10), true
}

func containerPort(name string, port int32) *corev1ac.ContainerPortApplyConfiguration {
	return corev1ac.ContainerPort().WithName(name).WithContainerPort(port).WithProtocol(corev1.ProtocolTCP)
}

func fieldEnv(name, field string) *corev1ac.EnvVarApplyConfiguration {
	return corev1ac.EnvVar().WithName(name).WithValueFrom(corev1ac.EnvVarSource().
		WithFieldRef(corev1ac.ObjectFieldSelector().WithAPIVersion("v1").WithFieldPath(field)))
}

func httpProbe(path string) *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().
		WithHTTPGet(corev1ac.HTTPGetAction().WithPath(path).WithPort(intstr.FromString("admin"))).
		WithTimeoutSeconds(2)
}
