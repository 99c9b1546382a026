package controller_test

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// TestTLSOfRedisIsTurnedOnAndOff while the service runs: Redis and the servers roll each time, and it is Ready by itself. Meanwhile the
// certificates are made once, and again when somebody asks.
func TestTLSOfRedisIsTurnedOnAndOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	rag := w.service()
	servers := w.ready(rag)
	rolled := func(tls bool) {
		t.Helper()
		was := rag.Status.ConfigHash
		w.eventually(func() string {
			w.must(w.Get(t.Context(), client.ObjectKeyFromObject(rag), rag))
			if rag.Status.ConfigHash == was {
				return "the servers have the configuration of before"
			}
			return ""
		})
		w.eventually(func() string { return w.lacksTLS(rag, tls) })
		w.runStores(rag)
		for _, s := range servers {
			s.runs(rag.Status.ConfigHash)
		}
		var deployment appsv1.Deployment
		w.awaits(rag, desired.ComponentServer, &deployment)
		w.reportServers(&deployment, 2)
		w.eventuallyShows(rag, map[string]string{"Ready": "True/Ready", "ConfigApplied": "True/Applied", "SecretsResolved": "True/Resolved", "Reconciling": ""})
	}
	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) {
		s.Redis.Managed = &v1alpha1.ManagedRedis{TLS: &v1alpha1.ManagedRedisTLS{Mode: v1alpha1.ManagedRedisTLSEnabled}}
	})
	rolled(true)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "papers-redis-tls"}}
	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(secret), secret))
	if !metav1.IsControlledBy(secret, rag) {
		t.Error("the certificates stay when the RAGService goes")
	}
	before := secret.DeepCopy()
	for range 3 {
		o.pass(t, rag)
	}
	if w.must(w.Get(t.Context(), client.ObjectKeyFromObject(secret), secret)); secret.ResourceVersion != before.ResourceVersion {
		t.Error("the certificates are written again")
	}

	var cache appsv1.StatefulSet
	w.awaits(rag, desired.ComponentRedisCache, &cache)
	hash := cache.Spec.Template.Annotations[desired.AnnotationSecretsHash]
	secret.Annotations[v1alpha1.AnnotationRotateAt] = "2030-01-01"
	w.must(w.Update(t.Context(), secret))
	w.eventuallyTells("SecretRotated")
	w.eventually(func() string {
		if w.awaits(rag, desired.ComponentRedisCache, &cache); cache.Spec.Template.Annotations[desired.AnnotationSecretsHash] == hash {
			return "Redis does not roll for another certificate"
		}
		return ""
	})
	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(secret), secret))
	if bundle := string(secret.Data["ca.crt"]); !strings.HasSuffix(bundle, string(before.Data["ca.crt"])) || bundle == string(before.Data["ca.crt"]) {
		t.Error("the bundle has not both authorities")
	}

	secret.Data["tls.crt"] = []byte("none")
	w.must(w.Update(t.Context(), secret))
	w.eventually(func() string {
		if w.must(w.Get(t.Context(), client.ObjectKeyFromObject(secret), secret)); string(secret.Data["tls.crt"]) == "none" {
			return "a certificate that is none is not renewed"
		}
		return ""
	})
	if at := secret.Annotations[desired.AnnotationRotatedAt]; at != "2030-01-01" {
		t.Errorf("what nobody asked for is told as asked for at %q", at)
	}
	w.eventually(func() string {
		for _, e := range w.eventuallyTellsOf("SecretRotated", "Secret papers-redis-tls") {
			if strings.Contains(e.Note, "certificate") {
				return ""
			}
		}
		return "nothing tells that a certificate was renewed"
	})

	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.Redis.Managed.TLS.Mode = v1alpha1.ManagedRedisTLSDisabled })
	rolled(false)
}

// lacksTLS is what of Redis and the servers is not by TLS, or still is; empty when all is as it shall be.
func (w *world) lacksTLS(rag *v1alpha1.RAGService, tls bool) string {
	w.t.Helper()
	mounts := func(pod corev1.PodSpec) bool {
		return slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool {
			if v.Secret != nil {
				return v.Secret.SecretName == "papers-redis-tls"
			}
			return v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool {
				return s.Secret != nil && s.Secret.Name == "papers-redis-tls"
			})
		})
	}
	for _, c := range []desired.Component{desired.ComponentRedisCache, desired.ComponentRedisState} {
		var set appsv1.StatefulSet
		var conf corev1.ConfigMap
		w.awaits(rag, c, &set)
		w.awaits(rag, c, &conf)
		if mounts(set.Spec.Template.Spec) != tls || strings.Contains(conf.Data["redis.conf"], "tls-port 6379") != tls {
			return string(c)
		}
	}
	var deployment appsv1.Deployment
	if w.awaits(rag, desired.ComponentServer, &deployment); mounts(deployment.Spec.Template.Spec) != tls {
		return "servers"
	}
	return ""
}
