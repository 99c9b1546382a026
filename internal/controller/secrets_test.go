package controller_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// A generated Secret that somebody deletes is generated anew, and what holds its contents is replaced.
func TestADeletedPasswordIsMadeAnewAndItsClientsRoll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service()
	w.ready(rag)
	hash := func(object client.Object, template func() map[string]string) string {
		w.must(w.Get(t.Context(), client.ObjectKeyFromObject(object), object))
		return template()[desired.AnnotationSecretsHash]
	}
	in := func(c desired.Component) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: w.namespace, Name: desired.Name(rag.Name, c)}
	}
	cache, servers := &appsv1.StatefulSet{ObjectMeta: in(desired.ComponentRedisCache)}, &appsv1.Deployment{ObjectMeta: in(desired.ComponentServer)}
	hashes := func() [2]string {
		return [2]string{
			hash(cache, func() map[string]string { return cache.Spec.Template.Annotations }),
			hash(servers, func() map[string]string { return servers.Spec.Template.Annotations }),
		}
	}
	before := hashes()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: desired.RedisSecretName(rag.Name)}}
	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(secret), secret))
	password := string(secret.Data[desired.RedisPasswordKey])
	w.must(w.Delete(t.Context(), secret))
	w.eventually(func() string {
		if err := w.Get(t.Context(), client.ObjectKeyFromObject(secret), secret); err != nil {
			return err.Error()
		}
		after := hashes()
		if string(secret.Data[desired.RedisPasswordKey]) == password || after[0] == before[0] || after[1] == before[1] {
			return "the password is the same, or its clients do not roll"
		}
		return ""
	})
}
