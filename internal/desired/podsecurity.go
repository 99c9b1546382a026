package desired

import (
	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// Users of containers. Those of the stores are what their official images are made for.
const (
	serverUser     int64 = 65532
	redisUser      int64 = 999
	openSearchUser int64 = 1000
)

// fileMode of mounted Secrets and ConfigMaps: readable by the pod's group, which is its fsGroup, and by nobody else.
const fileMode int32 = 0o440

// podSecurity meets the restricted Pod Security Standard, as user unless the platform chooses one. A volume that already belongs
// to the user is not walked again on each start.
func podSecurity(p part, user int64) *corev1ac.PodSecurityContextApplyConfiguration {
	security := corev1ac.PodSecurityContext().
		WithRunAsNonRoot(true).
		WithFSGroupChangePolicy(corev1.FSGroupChangeOnRootMismatch).
		WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))
	if p.operator.PodSecurity == PodSecurityPlatform {
		return security
	}
	return security.WithRunAsUser(user).WithRunAsGroup(user).WithFSGroup(user)
}

func containerSecurity() *corev1ac.SecurityContextApplyConfiguration {
	return corev1ac.SecurityContext().
		WithAllowPrivilegeEscalation(false).
		WithReadOnlyRootFilesystem(true).
		WithCapabilities(corev1ac.Capabilities().WithDrop("ALL"))
}

// podSpec is what the pods of all components share.
func podSpec(p part, user int64) *corev1ac.PodSpecApplyConfiguration {
	return corev1ac.PodSpec().
		WithServiceAccountName(p.name()).
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false).
		WithSecurityContext(podSecurity(p, user))
}

// container is what all containers share.
func container(name, image string) *corev1ac.ContainerApplyConfiguration {
	return corev1ac.Container().
		WithName(name).
		WithImage(image).
		WithImagePullPolicy(corev1.PullIfNotPresent).
		WithSecurityContext(containerSecurity())
}

// imageOr is the image that the spec names, else the operator's.
func imageOr[T ~string](named T, byDefault string) string {
	if named != "" {
		return string(named)
	}
	return byDefault
}
