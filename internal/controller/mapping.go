package controller

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
)

// secretsIndex finds RAGServices by the name of a Secret that they use.
const secretsIndex = "secrets"

// secretsOf are the names of the Secrets that a RAGService uses, generated ones too.
func secretsOf(object client.Object) []string {
	rag, ok := object.(*v1alpha1.RAGService)
	if !ok {
		return nil
	}
	names := []string{
		desired.APIKeysSecretName(rag), desired.RedisSecretName(rag.Name), desired.RedisTLSSecretName(rag.Name), desired.HashKeysSecretName(rag.Name),
	}
	if ingress := rag.Spec.Server.Ingress; ingress != nil && ingress.TLS != nil {
		names = append(names, ingress.TLS.SecretName)
	}
	for _, entry := range desired.ServerSecrets(rag) {
		names = append(names, entry.Ref.Name)
	}
	for _, entry := range desired.ReceiverSecrets(rag) {
		names = append(names, entry.Ref.Name)
	}
	return append(names, redisSecretsOf(rag)...)
}

// redisSecretsOf are the Secrets with the passwords of a Redis that the operator does not run.
func redisSecretsOf(rag *v1alpha1.RAGService) (names []string) {
	cache, _ := serverconfig.RedisCacheConnection(rag)
	state, _ := serverconfig.RedisStateConnection(rag)
	for _, c := range []*v1alpha1.RedisConnection{cache, state} {
		if c != nil && c.AuthSecretRef != nil {
			names = append(names, c.AuthSecretRef.Name)
		}
	}
	return names
}

// usersOfSecret enqueues the RAGServices that use a Secret.
func usersOfSecret(reader client.Reader) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, secret client.Object) []reconcile.Request {
		var users v1alpha1.RAGServiceList
		err := reader.List(ctx, &users, client.InNamespace(secret.GetNamespace()), client.MatchingFields{secretsIndex: secret.GetName()})
		if err != nil {
			logf.FromContext(ctx).Error(err, "finding the users of a Secret")
			return nil
		}
		requests := make([]reconcile.Request, 0, len(users.Items))
		for i := range users.Items {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&users.Items[i])})
		}
		return requests
	})
}

// serviceByLabel enqueues the RAGService that an object says it belongs to. A label that lies costs an idle pass.
func serviceByLabel() handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(_ context.Context, object client.Object) []reconcile.Request {
		name := object.GetLabels()[desired.LabelInstance]
		if name == "" {
			return nil
		}
		return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: name}}}
	})
}
