# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # names are shared with the script that sources this
# The daemons of the one node, in the order in which they need each other.

# The folder in /run and the bridge are one for the machine: who made them is written there, so that no other state folder's down takes
# them away.
make_state() {
  mkdir "$STATE" || die "$STATE exists"
  mkdir -p "$STATE"/{log,pids,pki,before,cni,volumes,loaded,pod-logs,kubelet} "$RUN"
  chmod 700 "$STATE/pki"
  echo "$STATE" >"$RUN/owner"
}

start_control_plane() {
  local pki=$STATE/pki
  start etcd "$BIN/etcd" --data-dir "$STATE/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls "http://127.0.0.1:$ETCD_PORT" --advertise-client-urls "http://127.0.0.1:$ETCD_PORT" \
    --listen-peer-urls "http://127.0.0.1:$ETCD_PEER_PORT" --initial-advertise-peer-urls "http://127.0.0.1:$ETCD_PEER_PORT" \
    --initial-cluster default="http://127.0.0.1:$ETCD_PEER_PORT"
  start apiserver "$BIN/kube-apiserver" --etcd-servers="http://127.0.0.1:$ETCD_PORT" \
    --bind-address="$NODE_IP" --advertise-address="$NODE_IP" --secure-port="$API_PORT" --service-cluster-ip-range="$SERVICE_CIDR" \
    --client-ca-file="$pki/ca.crt" --allow-privileged \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
    --service-account-key-file="$pki/accounts.pub" --service-account-signing-key-file="$pki/accounts.key" \
    --service-account-issuer=https://kubernetes.default.svc --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --kubelet-client-certificate="$pki/kubelet-client.crt" --kubelet-client-key="$pki/kubelet-client.key" \
    --kubelet-preferred-address-types=InternalIP \
    --audit-policy-file="$here/audit-policy.yaml" --audit-log-path="$STATE/log/audit.log" --audit-log-maxsize=500
  await 120 "the API server" api_ready
  start controllers "$BIN/kube-controller-manager" --kubeconfig="$pki/controllers.conf" \
    --bind-address=127.0.0.1 --secure-port="$CONTROLLERS_PORT" \
    --service-account-private-key-file="$pki/accounts.key" --root-ca-file="$pki/ca.crt" --use-service-account-credentials \
    --cluster-cidr="$POD_CIDR" --flex-volume-plugin-dir="$STATE/kubelet/volume-plugins" --leader-elect=false
  start scheduler "$BIN/kube-scheduler" --kubeconfig="$pki/scheduler.conf" --bind-address=127.0.0.1 --secure-port="$SCHEDULER_PORT" \
    --leader-elect=false
}

# restrict_oom_score_adj: the machine may lack the right to lower it. Each path is ours, for a containerd of the machine's own may run.
start_containerd() {
  cat >"$STATE/containerd.toml" <<TOML
version = 2
root = "$STATE/containerd"
state = "$RUN/containerd"
[grpc]
address = "$SOCKET"
[debug]
address = "$RUN/containerd-debug.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "$STATE/containerd-opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "$PAUSE_IMAGE"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "$CNI_PLUGINS"
conf_dir = "$STATE/cni"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
Root = "$RUN/runc"
TOML
  start containerd containerd -c "$STATE/containerd.toml"
  await 60 containerd containerd_ready
}

# failCgroupV1: the machine may have the old layout of control groups. syncFrequency: a changed ConfigMap reaches pods within seconds.
start_kubelet() {
  cat >"$STATE/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $NODE_IP
port: $KUBELET_PORT
healthzBindAddress: 127.0.0.1
healthzPort: $KUBELET_HEALTH_PORT
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $STATE/pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $STATE/pki/node.crt
tlsPrivateKeyFile: $STATE/pki/node.key
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
clusterDomain: cluster.local
clusterDNS: [$DNS_IP]
containerRuntimeEndpoint: unix://$SOCKET
podLogsDir: $STATE/pod-logs
volumePluginDir: $STATE/kubelet/volume-plugins
makeIPTablesUtilChains: false
localStorageCapacityIsolation: false
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi}
syncFrequency: 5s
YAML
  start kubelet "$BIN/kubelet" --config="$STATE/kubelet.yaml" --kubeconfig="$STATE/pki/node.conf" --hostname-override="$NAME" \
    --root-dir="$STATE/kubelet" --node-ip="$NODE_IP"
}

# The zeros leave the kernel's own limits of connection tracking alone. Without the bridge's packets passing the machine's rules, the
# answer of a pod behind a Service would go to its caller directly, from an address that the caller never asked: then all is masqueraded.
start_proxy() {
  local masquerade=false
  [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || masquerade=true
  start proxy "$BIN/kube-proxy" --kubeconfig="$STATE/pki/proxy.conf" --hostname-override="$NAME" \
    --cluster-cidr="$POD_CIDR" --proxy-mode=iptables \
    --healthz-bind-address="127.0.0.1:$PROXY_HEALTH_PORT" --metrics-bind-address="127.0.0.1:$PROXY_METRICS_PORT" \
    --iptables-localhost-nodeports=false --masquerade-all=$masquerade --conntrack-max-per-core=0 --conntrack-min=0 \
    --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
}

# CoreDNS runs on the node, behind a Service without selector.
start_dns() {
  local forward=''
  ! grep -q '^nameserver' /etc/resolv.conf || forward='forward . /etc/resolv.conf'
  cat >"$STATE/Corefile" <<COREFILE
.:$DNS_PORT {
  bind $NODE_IP
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $STATE/pki/dns.conf
  }
  $forward
  cache 5
}
COREFILE
  start coredns "$BIN/coredns" -conf "$STATE/Corefile"
}

start_provisioner() {
  start provisioner "$PROVISIONER" --kubeconfig "$STATE/pki/provisioner.conf" --root "$STATE/volumes"
}

install_addons() {
  sed "s/\$NODE_IP/$NODE_IP/; s/\$DNS_IP/$DNS_IP/; s/\$DNS_PORT/$DNS_PORT/" "$here/addons.yaml" | "$BIN/kubectl" apply -f - >/dev/null
}

# alive NAME... fails as await understands it when one of the daemons has ended.
alive() {
  local name
  for name in "$@"; do running "$name" >/dev/null || return 99; done
}

api_ready() {
  alive etcd apiserver || return
  "$BIN/kubectl" get --raw /readyz
}

containerd_ready() {
  alive containerd || return
  ctr -a "$SOCKET" version
}

node_ready() {
  alive containerd kubelet proxy coredns provisioner || return
  "$BIN/kubectl" get node "$NAME" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' | grep -q True
}
