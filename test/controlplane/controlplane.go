// Package controlplane gives tests a real Kubernetes API server with its etcd, as package backends gives them real stores.
// It is apart so that the tests of the server need nothing of Kubernetes.
package controlplane

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/ragservice/ragservice-operator/test/proc"
)

// Start returns how to reach a real kube-apiserver with its etcd, as an administrator, with the custom resource
// definitions of crdPaths (files or folders) established. One is started on first use, in a few seconds, and shared by
// the tests of the process: each keeps to namespaces of its own, which, with no controllers running, never finish
// deleting. Nothing but the API server runs: no scheduler, no garbage collection, no Deployment becomes pods.
//
// Its programs come from KUBEBUILDER_ASSETS, else from the cache that `make deps` fills.
func Start(tb testing.TB, crdPaths ...string) *rest.Config {
	tb.Helper()
	shared, err := ownControlPlane()
	if err != nil {
		tb.Fatal(err)
	}
	cfg := rest.CopyConfig(shared)
	if len(crdPaths) == 0 {
		return cfg
	}
	installing.Lock()
	defer installing.Unlock()
	options := envtest.CRDInstallOptions{Paths: crdPaths, ErrorIfPathMissing: true}
	if _, err := envtest.InstallCRDs(cfg, options); err != nil {
		tb.Fatalf("installing %v: %v", crdPaths, err)
	}
	return cfg
}

// installing is held by the test that installs definitions: two at once fail for those that the other has just made.
var installing sync.Mutex

// Install has the API server of cfg serve definitions until the test ends, which so may run again in this process. Other tests must
// not run beside it: what their clients know of the kind would outlive it.
func Install(tb testing.TB, cfg *rest.Config, options envtest.CRDInstallOptions) {
	tb.Helper()
	installing.Lock()
	defer installing.Unlock()
	options.ErrorIfPathMissing = true
	definitions, err := envtest.InstallCRDs(cfg, options)
	tb.Cleanup(func() { remove(tb, cfg, definitions) })
	if err != nil {
		tb.Fatalf("installing definitions: %v", err)
	}
}

// removalTime bounds the removal of definitions and of the objects of their kinds, which takes a second or two.
const removalTime = time.Minute

// remove returns when the API server has removed the definitions and no longer serves their kinds.
func remove(tb testing.TB, cfg *rest.Config, definitions []*apiextensionsv1.CustomResourceDefinition) {
	tb.Helper()
	if err := envtest.UninstallCRDs(cfg, envtest.CRDInstallOptions{CRDs: definitions}); err != nil {
		tb.Errorf("removing definitions: %v", err)
		return
	}
	clients, err := clientset.NewForConfig(cfg)
	if err != nil {
		tb.Error(err)
		return
	}
	for _, definition := range definitions {
		err := wait.PollUntilContextTimeout(context.Background(), 50*time.Millisecond, removalTime, true, func(ctx context.Context) (bool, error) {
			_, err := clients.ApiextensionsV1().CustomResourceDefinitions().Get(ctx, definition.Name, metav1.GetOptions{})
			return apierrors.IsNotFound(err) && !serves(clients, definition), nil
		})
		if err != nil {
			tb.Errorf("%s is still there: %v", definition.Name, err)
		}
	}
}

// serves says that the API server still lists the kind, or cannot be asked.
func serves(clients *clientset.Clientset, definition *apiextensionsv1.CustomResourceDefinition) bool {
	_, resources, err := clients.Discovery().ServerGroupsAndResources()
	return err != nil || slices.ContainsFunc(resources, func(list *metav1.APIResourceList) bool {
		return strings.HasPrefix(list.GroupVersion, definition.Spec.Group+"/") && slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool {
			return r.Kind == definition.Spec.Names.Kind
		})
	})
}

// Program is the path of one of the control plane's programs, for tests that run kubectl as a user would.
func Program(tb testing.TB, name string) string {
	tb.Helper()
	assets, err := controlPlaneAssets()
	if err != nil {
		tb.Fatal(err)
	}
	return filepath.Join(assets, name)
}

// Kubeconfig writes a file that leads to the API server of cfg, as its user, for programs that take one. It returns the path.
func Kubeconfig(tb testing.TB, cfg *rest.Config) string {
	tb.Helper()
	const name = "test"
	file := api.NewConfig()
	file.Clusters[name] = &api.Cluster{Server: cfg.Host, CertificateAuthorityData: cfg.CAData}
	file.AuthInfos[name] = &api.AuthInfo{ClientCertificateData: cfg.CertData, ClientKeyData: cfg.KeyData}
	file.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	file.CurrentContext = name
	path := filepath.Join(tb.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*file, path); err != nil {
		tb.Fatal(err)
	}
	return path
}

var ownControlPlane = sync.OnceValues(func() (*rest.Config, error) {
	assets, err := controlPlaneAssets()
	if err != nil {
		return nil, err
	}
	dir, err := proc.Scratch()
	if err != nil {
		return nil, err
	}
	existing := false
	environment := &envtest.Environment{UseExistingCluster: &existing, ControlPlaneStartTimeout: time.Minute}
	plane := &environment.ControlPlane
	plane.KubectlPath = filepath.Join(assets, "kubectl")
	if plane.Etcd, plane.APIServer, err = leashed(dir, assets); err != nil {
		return nil, err
	}
	if err := proc.OnLastingThread(func() error { _, err := environment.Start(); return err }); err != nil {
		return nil, fmt.Errorf("starting the control plane of %s: %w", assets, err)
	}
	return environment.Config, nil
})

// leashed describes etcd and the API server so that they keep their files under dir and end with this process. envtest
// gives no access to how it starts them, hence the wrappers.
func leashed(dir proc.Folder, assets string) (*envtest.Etcd, *envtest.APIServer, error) {
	etcd := &envtest.Etcd{DataDir: dir.Join("etcd-data")}
	server := &envtest.APIServer{CertDir: dir.Join("certificates")}
	// envtest's range has 254 addresses, and no test's Services go before the process ends.
	server.Configure().Set("service-cluster-ip-range", "10.0.0.0/16")
	for _, folder := range []string{etcd.DataDir, server.CertDir} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return nil, nil, err
		}
	}
	for name, path := range map[string]*string{"etcd": &etcd.Path, "kube-apiserver": &server.Path} {
		*path = dir.Join(name)
		wrapper := fmt.Sprintf("#!/bin/sh\nexec setpriv --pdeathsig KILL '%s' \"$@\"\n", filepath.Join(assets, name))
		if err := os.WriteFile(*path, []byte(wrapper), 0o700); err != nil {
			return nil, nil, err
		}
	}
	return etcd, server, nil
}

func controlPlaneAssets() (string, error) {
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		cache, err := proc.CacheDir()
		if err != nil {
			return "", err
		}
		assets = filepath.Join(cache, "ready", "controlplane")
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if !proc.IsProgram(filepath.Join(assets, name)) {
			return "", proc.Missing(name + " in " + assets)
		}
	}
	return assets, nil
}
