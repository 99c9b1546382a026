package controller_test

import (
	"bytes"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
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

// TestAGeneratedSecretIsRotated once for each request, without a moment in which there is none. What somebody added to it stays.
func TestAGeneratedSecretIsRotated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	rag := w.service()
	w.ready(rag)
	cache := &appsv1.StatefulSet{}
	w.awaits(rag, desired.ComponentRedisCache, cache)
	hash := cache.Spec.Template.Annotations[desired.AnnotationSecretsHash]
	for _, c := range []struct{ name, entry string }{{desired.RedisSecretName(rag.Name), desired.RedisPasswordKey}, {"papers-api-keys", desired.AdminAPIKey}} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: c.name}}
		patch := `{"metadata":{"annotations":{"ragservice.dev/rotate-at":"2030-01-01"}},"data":{"mine":"eyJrZXkiOiJrZXktb2YtYS1jYWxsZXItMDEyMzQ1Njc4OSJ9"}}`
		w.must(w.Get(t.Context(), client.ObjectKeyFromObject(secret), secret))
		before, uid := string(secret.Data[c.entry]), secret.UID
		w.must(w.Patch(t.Context(), secret, client.RawPatch(client.Merge.Type(), []byte(patch))))
		w.eventually(func() string {
			w.must(w.Get(t.Context(), client.ObjectKeyFromObject(secret), secret))
			if string(secret.Data[c.entry]) == before {
				return c.name + " has the contents of before"
			}
			return ""
		})
		if secret.UID != uid || len(secret.Data["mine"]) == 0 {
			t.Errorf("%s is another one, or lost what somebody added", c.name)
		}
	}
	w.eventuallyTells("SecretRotated")
	w.eventually(func() string {
		if w.awaits(rag, desired.ComponentRedisCache, cache); cache.Spec.Template.Annotations[desired.AnnotationSecretsHash] == hash {
			return "Redis does not roll"
		}
		return ""
	})
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: desired.RedisSecretName(rag.Name)}}
	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(secret), secret))
	for range 3 {
		o.pass(t, rag)
	}
	version := secret.ResourceVersion
	if w.must(w.Get(t.Context(), client.ObjectKeyFromObject(secret), secret)); secret.ResourceVersion != version {
		t.Error("it was rotated again")
	}
}

// The pods of servers alone depend on the key of callers' hashes. That of roll hashes stays when the Secret is rotated: another would
// replace the pods of Redis too.
func TestRotatedHashKeysRollTheServersAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	rag := w.service()
	w.ready(rag)
	redis := func() [2]string {
		var cache, state appsv1.StatefulSet
		w.awaits(rag, desired.ComponentRedisCache, &cache)
		w.awaits(rag, desired.ComponentRedisState, &state)
		return [2]string{cache.Spec.Template.Annotations[desired.AnnotationSecretsHash], state.Spec.Template.Annotations[desired.AnnotationSecretsHash]}
	}
	redisBefore, serversBefore := redis(), w.servers(rag).Spec.Template.Annotations[desired.AnnotationSecretsHash]
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: desired.HashKeysSecretName(rag.Name)}}
	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(secret), secret))
	before := secret.DeepCopy()
	secret.Annotations[v1alpha1.AnnotationRotateAt] = "2030-01-01"
	w.must(w.Patch(t.Context(), secret, client.MergeFrom(before)))
	w.eventually(func() string {
		w.must(w.Get(t.Context(), client.ObjectKeyFromObject(secret), secret))
		if bytes.Equal(secret.Data[desired.CallerHashKey], before.Data[desired.CallerHashKey]) {
			return "callers' hashes have the key of before"
		}
		if w.servers(rag).Spec.Template.Annotations[desired.AnnotationSecretsHash] == serversBefore {
			return "the servers do not roll"
		}
		return ""
	})
	o.pass(t, rag)
	if !bytes.Equal(secret.Data[desired.RollHashKey], before.Data[desired.RollHashKey]) || redis() != redisBefore {
		t.Error("Redis rolls for keys that it does not read")
	}
}
