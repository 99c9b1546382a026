package observe

import (
	"context"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// target is a server to be asked.
type target struct {
	uid     types.UID
	address netip.Addr
}

// targets are the ready servers of a RAGService: running pods whose chain of controllers ends, by UID, at its own
// Deployment. Nothing else is ever connected to.
func targets(ctx context.Context, reader client.Reader, service types.NamespacedName, uid types.UID) ([]target, error) {
	deployment, err := serverDeployment(ctx, reader, service, uid)
	if err != nil || deployment == nil {
		return nil, err
	}
	pods, err := podsOf(ctx, reader, service, map[types.UID]desired.Component{deployment.UID: desired.ComponentServer})
	if err != nil {
		return nil, err
	}
	var out []target
	for _, pod := range pods {
		if address, ready := readyAddress(pod.Pod); ready {
			out = append(out, target{pod.UID, address})
		}
	}
	return out, nil
}

// readyAddress is where a ready pod listens. A pod in its node's network, and addresses that mean the operator's own
// host or its link, are refused: a foreign field in the Deployment must not make the operator ask a node.
func readyAddress(pod *corev1.Pod) (netip.Addr, bool) {
	if pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning || pod.Status.PodIP == pod.Status.HostIP {
		return netip.Addr{}, false
	}
	address, err := netip.ParseAddr(strings.TrimSpace(pod.Status.PodIP))
	if err != nil || !address.Unmap().IsGlobalUnicast() {
		return netip.Addr{}, false
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return address, c.Status == corev1.ConditionTrue
		}
	}
	return netip.Addr{}, false
}
