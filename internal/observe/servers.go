package observe

import (
	"context"
	"net/netip"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// target is a server to be asked.
type target struct {
	uid     types.UID
	address netip.Addr
	// ready says that the kubelet found it ready. One that is not knows best what it waits for.
	ready bool
}

// targets are the servers of a RAGService, ready or not: running pods whose chain of controllers ends, by UID, at its own
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
		if address, runs := runningAddress(pod.Pod); runs {
			out = append(out, target{pod.UID, address, isReady(pod.Pod)})
		}
	}
	return out, nil
}

// runningAddress is where a running pod listens. A pod in its node's network, and addresses that mean the operator's own
// host or its link, are refused: a foreign field in the Deployment must not make the operator ask a node.
func runningAddress(pod *corev1.Pod) (netip.Addr, bool) {
	if pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning || pod.Status.PodIP == pod.Status.HostIP {
		return netip.Addr{}, false
	}
	address, err := netip.ParseAddr(strings.TrimSpace(pod.Status.PodIP))
	if err != nil || !address.Unmap().IsGlobalUnicast() {
		return netip.Addr{}, false
	}
	return address, true
}

func isReady(pod *corev1.Pod) bool {
	_, ready := readySince(pod)
	return ready
}

// readySince is when a pod became ready.
func readySince(pod *corev1.Pod) (since time.Time, ready bool) {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time, true
		}
	}
	return time.Time{}, false
}
