package apply

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// deletePod deletes the pod of that UID. When it is gone, or another has its name, nothing is left to do.
func (p *pass) deletePod(ctx context.Context, d desired.DeletePod) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	ref := Ref{d.Component, "Pod", d.Name}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: p.rag.Namespace, Name: d.Name}}
	err := p.client.Delete(ctx, pod, client.Preconditions{UID: &d.UID})
	switch {
	case err == nil:
		p.changes.Replaced = append(p.changes.Replaced, ref)
	case !apierrors.IsNotFound(err) && !apierrors.IsConflict(err):
		p.fail(ref, err)
	}
}
