package desired

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

func mount(volume, path string) *corev1ac.VolumeMountApplyConfiguration {
	return corev1ac.VolumeMount().WithName(volume).WithMountPath(path)
}

func readOnlyMount(volume, path string) *corev1ac.VolumeMountApplyConfiguration {
	return mount(volume, path).WithReadOnly(true)
}

func emptyDir(name string) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(name).WithEmptyDir(corev1ac.EmptyDirVolumeSource())
}

func claimVolume(name, claim string) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(name).
		WithPersistentVolumeClaim(corev1ac.PersistentVolumeClaimVolumeSource().WithClaimName(claim))
}

func configMapVolume(name, configMap string) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(name).
		WithConfigMap(corev1ac.ConfigMapVolumeSource().WithName(configMap).WithDefaultMode(fileMode))
}

// secretVolume mounts a whole Secret, or those of its entries that items name.
func secretVolume(name, secret string, items ...*corev1ac.KeyToPathApplyConfiguration) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(name).
		WithSecret(corev1ac.SecretVolumeSource().WithSecretName(secret).WithDefaultMode(fileMode).WithItems(items...))
}

func keyToPath(key, path string) *corev1ac.KeyToPathApplyConfiguration {
	return corev1ac.KeyToPath().WithKey(key).WithPath(path)
}

// claimTemplate is the template of a StatefulSet's volume. It can never change once written, so it carries only what
// never does; and it is written with what the API server would add, because such a list is compared as a whole.
func claimTemplate(p part, size resource.Quantity, class *string) *corev1ac.PersistentVolumeClaimApplyConfiguration {
	spec := corev1ac.PersistentVolumeClaimSpec().
		WithAccessModes(corev1.ReadWriteOnce).
		WithVolumeMode(corev1.PersistentVolumeFilesystem).
		WithResources(corev1ac.VolumeResourceRequirements().
			WithRequests(corev1.ResourceList{corev1.ResourceStorage: size}))
	spec.StorageClassName = class
	claim := corev1ac.PersistentVolumeClaim(DataVolume, "").
		WithLabels(p.labels()).
		WithAnnotations(map[string]string{AnnotationServiceUID: string(p.service.UID)}).
		WithSpec(spec).
		WithStatus(corev1ac.PersistentVolumeClaimStatus().WithPhase(corev1.ClaimPending))
	claim.Namespace = nil
	return claim
}

// storageClass is the spec's, else that of the volumes that exist, else the operator's; nil for the cluster's default.
func storageClass(in Inputs, c Component, given *string) *string {
	if given != nil {
		return given
	}
	class := in.Operator.StorageClass
	if made := in.StatefulSets[c].Volume; made != nil { // a template of volumes cannot change
		class = made.Class
	}
	if class == "" {
		return nil
	}
	return &class
}

// quantity parses what the schema has checked.
func quantity(field string, q v1alpha1.Quantity) (resource.Quantity, error) {
	parsed, err := q.Quantity()
	if err != nil {
		return resource.Quantity{}, fieldError(field, err)
	}
	return parsed, nil
}
