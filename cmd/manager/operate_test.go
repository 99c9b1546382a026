package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/ragservice/ragservice-operator/test/controlplane"
)

func TestReadyOnceTheCachesAreFilled(t *testing.T) {
	t.Parallel()
	store, err := cache.New(controlplane.Start(t), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.GetInformer(t.Context(), &corev1.ConfigMap{}, cache.BlockUntilSynced(false)); err != nil {
		t.Fatal(err)
	}
	ready, probe := cachesFilled(store), httptest.NewRequest(http.MethodGet, "/readyz", nil)
	if ready(probe) == nil {
		t.Error("it is ready before its caches are filled")
	}
	go func() { _ = store.Start(t.Context()) }()
	if !store.WaitForCacheSync(t.Context()) {
		t.Fatal("the cache does not fill")
	}
	if err := ready(probe); err != nil {
		t.Errorf("with caches that are filled: %v", err)
	}
}
