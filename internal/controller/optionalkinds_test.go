package controller

import (
	"context"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
	"github.com/ragservice/ragservice-operator/test/controlplane"
)

// monitorsRefused answers reads of ServiceMonitors with 403 until it is over.
type monitorsRefused struct {
	over  atomic.Bool
	asked chan struct{}
	first sync.Once
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (m *monitorsRefused) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if m.over.Load() || r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/servicemonitors") {
			return next.RoundTrip(r)
		}
		m.first.Do(func() { close(m.asked) })
		return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
	})
}

func installMonitors(t *testing.T) {
	t.Helper()
	definitions, err := exec.CommandContext(t.Context(), filepath.Join("..", "..", "hack", "deps", "monitoring-crds.sh")).Output()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(strings.TrimSpace(string(definitions)), "monitoring.coreos.com_servicemonitors.yaml")
	controlplane.Install(t, controlplane.Start(t), envtest.CRDInstallOptions{Paths: []string{path}})
}

// monitor is the ServiceMonitor of rag.
func monitor(t *testing.T, rag *v1alpha1.RAGService) desired.Object {
	t.Helper()
	in := desiredtest.Inputs(rag)
	in.Served = desired.CustomKinds()
	plan, err := desired.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	objects := plan.Component(desired.ComponentMonitoring).Objects
	return objects[slices.IndexFunc(objects, func(o desired.Object) bool { return o.GVK == desired.MonitorKind })]
}

// TestAKindThatServicesCanDoWithout keeps no pass waiting or from its end: while the operator may not list it, and once its definition was removed,
// it counts as absent. When it can be watched it is.
func TestAKindThatServicesCanDoWithout(t *testing.T) {
	refused := &monitorsRefused{asked: make(chan struct{})}
	w := startWatcher(t, refused.wrap)
	wanted := monitor(t, w.rag)
	served := func() bool {
		t.Helper()
		kinds, err := w.kinds.served(t.Context(), w.rag)
		if err != nil {
			t.Fatalf("a pass ends: %v", err)
		}
		return slices.Contains(kinds, desired.MonitorKind)
	}
	appears := func() {
		t.Helper()
		err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
			return w.kinds.lookAgain(ctx), nil // the API server may take a moment
		})
		if err != nil || !served() {
			t.Errorf("a kind that can be watched does not appear: %v", err)
		}
		w.settle(t, wanted)
	}
	t.Run("served", func(t *testing.T) {
		installMonitors(t)
		w.keepsNobodyWaiting(t, refused)
		if served() || !w.kinds.isAbsent(desired.MonitorKind) || w.kinds.lookAgain(t.Context()) {
			t.Error("a kind that the operator may not list is served")
		}
		refused.over.Store(true)
		appears()
	}) // and then removed
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		_, err := w.apply(t, wanted)
		return err != nil && !w.kinds.isWatched(desired.MonitorKind), nil
	})
	if err != nil || served() {
		t.Errorf("a kind whose definition was removed is watched or served: %v", err)
	}
	t.Run("served again", func(t *testing.T) {
		installMonitors(t)
		appears()
	})
}

// keepsNobodyWaiting has somebody wait for the first read of a kind, and others ask what is watched.
func (w *watcher) keepsNobodyWaiting(t *testing.T, refused *monitorsRefused) {
	t.Helper()
	w.kinds.timeout = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.kinds.Watch(ctx, desired.MonitorKind) }()
	<-refused.asked
	others := make(chan struct{})
	go func() { w.kinds.Watched(); close(others) }()
	select {
	case <-others:
	case <-time.After(time.Minute):
		t.Error("a kind that cannot be read keeps all passes waiting")
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("a kind that cannot be read is watched")
	}
	w.kinds.timeout = time.Second
}

// notingMapper notes a kind as absent each time that it is asked for one.
type notingMapper struct {
	meta.RESTMapper
	note func()
}

func (m notingMapper) RESTMapping(kind schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	m.note()
	return m.RESTMapper.RESTMapping(kind, versions...)
}

// TestNoAbsentKindIsLost: neither one that a pass notes while others are looked for, nor that one appeared when nobody could be told.
func TestNoAbsentKindIsLost(t *testing.T) {
	w := startWatcher(t)
	w.kinds.mapper = notingMapper{w.kinds.mapper, func() { w.kinds.noteAbsent(desired.RuleKind) }}
	w.kinds.noteAbsent(routeKind)
	if w.kinds.look(t.Context(), false) || !w.kinds.isAbsent(desired.RuleKind) || !w.kinds.isAbsent(routeKind) {
		t.Error("an absent kind is lost, or there")
	}
	controlplane.Install(t, controlplane.Start(t), envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{routeDefinition()}})
	untold := w.kinds.look(t.Context(), false)
	if !untold || w.kinds.isAbsent(routeKind) {
		t.Error("a kind is there, RAGServices cannot be listed, and nobody is untold")
	}
	if _, err := w.kinds.cache.GetInformer(t.Context(), &v1alpha1.RAGService{}); err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 1)
	go func() { told <- (<-w.kinds.appeared).Object.GetName() }()
	if w.kinds.look(t.Context(), untold) {
		t.Error("RAGServices can be listed, and are not told")
	}
	select {
	case name := <-told:
		if name != w.rag.Name {
			t.Errorf("%s is told", name)
		}
	case <-time.After(time.Minute):
		t.Error("nobody is told")
	}
}
