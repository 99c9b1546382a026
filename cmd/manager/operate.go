package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/controller"
	"github.com/ragservice/ragservice-operator/internal/notify"
	"github.com/ragservice/ragservice-operator/internal/observe"
)

// readyTimeout is how long a readiness probe waits for the caches. The kubelet waits a second.
const readyTimeout = 500 * time.Millisecond

// stopTimeout is how long passes that are under way may take to end. The pod's grace period is 15 s.
const stopTimeout = 10 * time.Second

var buildInfo = registered(prometheus.NewGaugeVec(prometheus.GaugeOpts{
	Name: "ragservice_operator_build_info", Help: "1 for the version that runs.",
}, []string{"version"}))

func registered[C prometheus.Collector](metric C) C {
	metrics.Registry.MustRegister(metric)
	return metric
}

// operate runs the operator until ctx ends.
func operate(ctx context.Context, s settings, stdout io.Writer) error {
	log := logr.FromSlogHandler(slog.NewJSONHandler(stdout, &slog.HandlerOptions{Level: s.logLevel}))
	ctrl.SetLogger(log)
	klog.SetLogger(log)
	log.Info("starting", "version", version, "id", s.operator.ID, "namespaces", s.namespaces, "images", s.operator.Images, "podSecurity", s.operator.PodSecurity)
	buildInfo.WithLabelValues(version).Set(1)
	connection, err := config.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster (in a pod, or by KUBECONFIG): %w", err)
	}
	mgr, err := newManager(connection, s, log)
	if err != nil {
		return err
	}
	poller := observe.NewPoller(mgr.GetCache())
	if err := mgr.Add(poller); err != nil {
		return fmt.Errorf("adding the poller: %w", err)
	}
	notifier := notify.New(newPosting(connection), mgr.GetAPIReader())
	if err := mgr.Add(notifier); err != nil {
		return fmt.Errorf("adding the notifier: %w", err)
	}
	reconciler := controller.New(mgr, controller.Options{Operator: s.operator, MaxConcurrentRolls: s.maxRolls, Poller: poller, Notifier: notifier})
	if err := reconciler.SetupWithManager(ctx, mgr); err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}

func newManager(connection *rest.Config, s settings, log logr.Logger) (manager.Manager, error) {
	// The API server's own fairness bounds the operator. Client-side limits would only delay what it has room for.
	connection.QPS = -1
	mgr, err := ctrl.NewManager(connection, manager.Options{
		Scheme:                        newScheme(),
		Logger:                        log,
		Cache:                         controller.CacheOptions(s.namespaces),
		Client:                        controller.ClientOptions(),
		Metrics:                       metricsserver.Options{BindAddress: s.metricsBind},
		HealthProbeBindAddress:        s.probeBind,
		LeaderElection:                s.leaderElect,
		LeaderElectionID:              s.leaseName(),
		LeaderElectionNamespace:       s.operator.Namespace,
		LeaderElectionReleaseOnCancel: true, // the process ends when the manager does
		GracefulShutdownTimeout:       new(stopTimeout),
	})
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, fmt.Errorf("adding a health check: %w", err)
	}
	if err := mgr.AddReadyzCheck("caches", cachesFilled(mgr.GetCache())); err != nil {
		return nil, fmt.Errorf("adding a readiness check: %w", err)
	}
	return mgr, nil
}

// cachesFilled says that an operator knows what exists. One that waits for its turn does too, so that it begins at once.
func cachesFilled(c cache.Cache) healthz.Checker {
	return func(r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if !c.WaitForCacheSync(ctx) {
			return errors.New("the caches are not filled yet")
		}
		return nil
	}
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}
