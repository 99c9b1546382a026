//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestNetworkIsClosed dials addresses that belong to nobody. A packet to an address of a Service that kube-proxy does not know must not
// leave by the default route: a server would connect to a stranger that way, and keep the connection.
func TestNetworkIsClosed(t *testing.T) {
	if os.Getenv("CLUSTER_BACKEND") != "node" {
		t.Skip("CLUSTER_BACKEND is not node: only the cluster without Docker has its addresses on this machine, and closes its network")
	}
	address := unusedServiceAddress(t)
	t.Run("from the node", func(t *testing.T) {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, "80"), 20*time.Second)
		if err == nil {
			_ = conn.Close()
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: %v, not refused", address, err)
		}
	})
	// 192.0.2.0/24 is kept for documentation (RFC 5737): nobody has it either.
	for _, to := range []string{address, "192.0.2.1"} {
		t.Run("from a pod to "+to, func(t *testing.T) {
			if said := pingFromPod(t, to); !strings.Contains(said, "Connection refused") {
				t.Errorf("%s: %q, not refused", to, said)
			}
		})
	}
}

// unusedServiceAddress is an address of the range of Services that no Service has.
func unusedServiceAddress(t *testing.T) string {
	t.Helper()
	var ranges networkingv1.ServiceCIDRList
	var services corev1.ServiceList
	for _, list := range []client.ObjectList{&ranges, &services} {
		if err := kube.List(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	used := map[string]bool{}
	for _, s := range services.Items {
		used[s.Spec.ClusterIP] = true
	}
	prefix := netip.MustParsePrefix(ranges.Items[0].Spec.CIDRs[0])
	// The API server takes addresses from the upper part of the range at random, so the first ones are the likeliest to stay free.
	for a := prefix.Addr().Next(); prefix.Contains(a); a = a.Next() {
		if !used[a.String()] {
			return a.String()
		}
	}
	t.Fatalf("every address of %s is used", prefix)
	return ""
}

// pingFromPod connects from a pod of the Redis image, and returns what its client said.
func pingFromPod(t *testing.T, address string) string {
	t.Helper()
	no, yes, user := false, true, int64(999)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: newNamespace(t), GenerateName: "dial-"},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: &yes, RunAsUser: &user, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: "dial", Image: operatorFlag(t, "--redis-image"), ImagePullPolicy: corev1.PullIfNotPresent,
				// The exit code says nothing for a refused connection in some versions; the message is the evidence.
				Command:                  []string{"sh", "-c", fmt.Sprintf("redis-cli -h %s -p 80 -t 20 ping 2>&1 | tee /dev/termination-log", address)},
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}
	create(t, pod)
	eventually(t, time.Minute, "the pod has dialled", func() error {
		if err := kube.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		if s := pod.Status.ContainerStatuses; len(s) == 0 || s[0].State.Terminated == nil {
			return fmt.Errorf("it is %s", pod.Status.Phase)
		}
		return nil
	})
	return pod.Status.ContainerStatuses[0].State.Terminated.Message
}

// operatorFlag is the value of a flag that the operator of the cluster runs with.
func operatorFlag(t *testing.T, flag string) string {
	t.Helper()
	var operators appsv1.DeploymentList
	if err := kube.List(t.Context(), &operators, client.MatchingLabels{"app.kubernetes.io/component": "manager"}); err != nil {
		t.Fatal(err)
	}
	for _, o := range operators.Items {
		for _, argument := range o.Spec.Template.Spec.Containers[0].Args {
			if value, ok := strings.CutPrefix(argument, flag+"="); ok {
				return value
			}
		}
	}
	t.Fatalf("no operator has the flag %s", flag)
	return ""
}
