package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func claim(node string, mode corev1.PersistentVolumeMode) controller.ProvisionOptions {
	policy := corev1.PersistentVolumeReclaimDelete
	return controller.ProvisionOptions{
		StorageClass: &storagev1.StorageClass{ReclaimPolicy: &policy},
		PVName:       "pvc-1", SelectedNodeName: node,
		PVC: &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{
			VolumeMode: &mode, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		}},
	}
}

func TestVolumeComesAndGoes(t *testing.T) {
	f := &folders{root: t.TempDir()}
	volume, state, err := f.Provision(context.Background(), claim("node1", corev1.PersistentVolumeFilesystem))
	if err != nil || state != controller.ProvisioningFinished {
		t.Fatal(state, err)
	}
	info, err := os.Stat(volume.Spec.Local.Path)
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Fatal(info, err)
	}
	if got := volume.Spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0].Values[0]; got != "node1" {
		t.Errorf("bound to node %q", got)
	}
	if got := volume.Spec.Capacity.Storage().String(); got != "1Gi" {
		t.Errorf("capacity %s", got)
	}
	for range 2 { // a second deletion has nothing to do
		if err := f.Delete(context.Background(), volume); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(volume.Spec.Local.Path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the folder is still there:", err)
	}
}

func TestRefusals(t *testing.T) {
	f := &folders{root: t.TempDir()}
	for what, options := range map[string]controller.ProvisionOptions{
		"block":   claim("node1", corev1.PersistentVolumeBlock),
		"no node": claim("", corev1.PersistentVolumeFilesystem),
	} {
		if _, state, err := f.Provision(context.Background(), options); err == nil || state != controller.ProvisioningFinished {
			t.Errorf("%s: %v, %v", what, state, err)
		}
	}
}

func TestDeleteLeavesOtherFolders(t *testing.T) {
	f := &folders{root: t.TempDir()}
	other := filepath.Join(t.TempDir(), "precious")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	ignored := &controller.IgnoredError{}
	err := f.Delete(context.Background(), &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pvc-1"},
		Spec:       corev1.PersistentVolumeSpec{PersistentVolumeSource: corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: other}}},
	})
	if !errors.As(err, &ignored) {
		t.Error(err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
}
