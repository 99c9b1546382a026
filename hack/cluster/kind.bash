# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # names are shared with the script that sources this
# The same verbs on kind, where Docker runs.

# docker_runs asks the daemon: a docker command may be there without one, or be another program's.
docker_runs() { timeout 10 docker info >/dev/null 2>&1; }

# use_kind decides which of the two this machine gets; a cluster without Docker that is there stays the one.
use_kind() { [ ! -d "$STATE/pids" ] && command -v kind >/dev/null && docker_runs; }

kind_exists() { kind get clusters 2>/dev/null | grep -qx "$NAME"; }

kind_create() {
  mkdir -p "$STATE/log"
  cp "$here/audit-policy.yaml" "$STATE/audit-policy.yaml"
  kind create cluster --name "$NAME" --kubeconfig "$KUBECONFIG" --wait 120s --config - <<YAML
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
    extraMounts:
      - {hostPath: $STATE/audit-policy.yaml, containerPath: /etc/kubernetes/audit/policy.yaml, readOnly: true}
      - {hostPath: $STATE/log, containerPath: /var/log/kubernetes}
    kubeadmConfigPatches:
      - |
        kind: ClusterConfiguration
        apiServer:
          extraArgs: {audit-policy-file: /etc/kubernetes/audit/policy.yaml, audit-log-path: /var/log/kubernetes/audit.log}
          extraVolumes:
            - {name: audit, hostPath: /etc/kubernetes/audit, mountPath: /etc/kubernetes/audit, readOnly: true, pathType: DirectoryOrCreate}
            - {name: log, hostPath: /var/log/kubernetes, mountPath: /var/log/kubernetes, pathType: DirectoryOrCreate}
      - |
        kind: KubeletConfiguration
        syncFrequency: 5s
YAML
}

kind_up() {
  ! kind_exists || die "the kind cluster $NAME is up already; \`down\` removes it"
  step "a cluster with kind" kind_create
}

kind_load() {
  local archive
  for archive in "$@"; do
    step "loading $(basename "$archive")" kind load image-archive "$archive" --name "$NAME"
  done
}

kind_down() {
  step "deleting the kind cluster" kind delete cluster --name "$NAME" --kubeconfig "$KUBECONFIG"
  rm -rf "$STATE"
}
