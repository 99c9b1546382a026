#!/usr/bin/env bash
# A one-node Kubernetes for tests and for a look around. Where Docker runs and kind is installed it is a kind cluster. Elsewhere it is the
# real thing without Docker: etcd, API server, controllers, kubelet, kube-proxy, containerd, DNS and volumes, from Go modules and Debian
# packages; as root, on Debian.
#
#   cluster.sh build [all|control-plane|kubectl]
#                                         builds the programs into the cache, and prints the folder that holds them
#   cluster.sh up                         brings the cluster up, and prints the path of its kubeconfig
#   cluster.sh load ARCHIVE...            loads images; pods use them with imagePullPolicy IfNotPresent
#   cluster.sh kubeconfig                 prints the path of the kubeconfig; fails when no cluster is up
#   cluster.sh backend                    prints kind or node: which of the two this machine gets
#   cluster.sh audit-log                  prints the path of the API server's audit log
#   cluster.sh down                       removes the cluster, and leaves the machine as it was
#
# RAGSERVICE_CACHE and RAGSERVICE_CLUSTER_STATE choose other folders for what is kept and for what goes away with the cluster.
set -euo pipefail
umask 022
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../lib/steps.sh
source "$here/../lib/steps.sh"
# shellcheck source=../lib/cache.sh
source "$here/../lib/cache.sh"
# shellcheck source=settings.bash
source "$here/settings.bash"
# shellcheck source=binaries.bash
source "$here/binaries.bash"
# shellcheck source=process.bash
source "$here/process.bash"
# shellcheck source=identities.bash
source "$here/identities.bash"
# shellcheck source=network.bash
source "$here/network.bash"
# shellcheck source=node.bash
source "$here/node.bash"
# shellcheck source=teardown.bash
source "$here/teardown.bash"
# shellcheck source=kind.bash
source "$here/kind.bash"

PACKAGES=(containerd runc containernetworking-plugins iptables iproute2 openssl)
DAEMONS=(provisioner coredns proxy kubelet scheduler controllers apiserver etcd containerd)

explain_failure() {
  local name
  if [ "$VERB" != up ] || [ -z "$STEP_NOW" ] || [ ! -d "$STATE/pids" ]; then return; fi
  for name in "$STATE"/pids/*; do
    name=$(basename "$name")
    running "$name" >/dev/null && continue
    say "$name has ended; the end of $STATE/log/$name.log:"
    tail -n 20 "$STATE/log/$name.log" | cut -c1-300 | sed 's/^/    | /' >&2
  done
  say "logs are in $STATE/log; \`$here/cluster.sh down\` removes what was made"
}

check_machine() {
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    die "this needs a running Docker and kind (install both), or root on Debian 12 or newer"
  fi
  if [ -d "$STATE" ]; then
    ! is_up || die "a cluster is up already, its kubeconfig is $KUBECONFIG; \`cluster.sh down\` removes it"
    die "remains of a cluster are in $STATE; \`cluster.sh down\` removes them"
  fi
  ! other_owner || die "another cluster is up on this machine, its state is in $(cat "$RUN/owner")"
  ! iptables-save -t nat 2>/dev/null | grep -q '^:KUBE-SERVICES' ||
    die "another Kubernetes runs on this machine (its chains KUBE-* are in iptables): this one would break it"
}

# other_owner holds when a cluster of another state folder is on this machine.
other_owner() { [ -f "$RUN/owner" ] && [ "$(cat "$RUN/owner")" != "$STATE" ]; }

install_packages() {
  local package missing=()
  for package in "${PACKAGES[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  mkdir -p "$CACHE"
  INSTALLED=${missing[*]}
  step "installing $INSTALLED" quietly "$CACHE/apt.log" apt_install "${missing[@]}"
}

apt_install() {
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

build() {
  case ${1:-all} in
  kubectl) build_binaries kubectl ;;
  control-plane) build_binaries "${CONTROL_PLANE[@]}" ;;
  all)
    build_binaries "${CONTROL_PLANE[@]}" "${NODE[@]}"
    build_provisioner
    ;;
  *) die "usage: cluster.sh build [all|control-plane|kubectl]" ;;
  esac
}

load() {
  local archive name stamp
  for archive in "$@"; do
    name=$(basename "$archive")
    stamp=$(stat -c "%n %s %y" "$archive")
    [ "$(cat "$STATE/loaded/$name" 2>/dev/null)" != "$stamp" ] || continue
    step "loading $name" quietly "$STATE/log/load.log" ctr -a "$SOCKET" -n k8s.io images import "$archive"
    echo "$stamp" >"$STATE/loaded/$name"
  done
}

up() {
  check_machine
  install_packages
  build all
  export PATH=$BIN:$CNI_PLUGINS:$PATH
  step "certificates" start_from_nothing
  step "the network of pods" make_network
  step "etcd, API server, controllers, scheduler" start_control_plane
  step "containerd" start_containerd
  "$here/../images/build.sh" pause >"$STATE/pause"
  load "$(awk '{print $3}' "$STATE/pause")"
  step "kubelet, proxy, DNS, volumes" start_node
}

start_from_nothing() {
  make_state
  remember_machine
  echo "${INSTALLED:-}" >"$STATE/before/installed"
  make_identities
}

start_node() {
  start_kubelet
  start_proxy
  start_dns
  start_provisioner
  install_addons
  await 60 "the node" node_ready
  echo "$BIN" >"$STATE/complete"
}

# down goes on where a piece is gone already or resists, and judges by what is left.
down() {
  local log installed
  if other_owner; then
    say "there is no cluster of $STATE; the one on this machine has its state in $(cat "$RUN/owner")"
    return
  fi
  if [ ! -d "$STATE" ]; then
    say "there is no cluster"
    return
  fi
  [ "$(id -u)" -eq 0 ] || die "this needs root"
  log=$(mktemp)
  mkdir -p "$STATE/pids"
  installed=$(cat "$STATE/before/installed" 2>/dev/null || true)
  set +e
  step "stopping the daemons" stop KILL "${DAEMONS[@]}"
  step "removing the pods" remove_pods
  step "removing mounts and control groups" remove_traces
  step "removing the network" remove_network "$log"
  step "removing files" remove_files
  set -e
  if [ -e "$STATE" ] || ip link show "$BRIDGE" >/dev/null 2>&1; then
    die "something is left of $STATE or $BRIDGE; see $log"
  fi
  rm -f "$log"
  [ -z "$installed" ] || say "packages that were installed for the cluster stay; apt-get purge $installed removes them"
}

# is_up also asks the API server: one whose network is gone still runs.
is_up() {
  if use_kind; then
    kind_exists
  else
    [ -f "$STATE/complete" ] && running apiserver >/dev/null &&
      "$(cat "$STATE/complete")/kubectl" get --raw /readyz --request-timeout 10s >/dev/null 2>&1
  fi
}

remove_traces() {
  remove_mounts
  remove_cgroups
}

remove_network() { # log
  remove_rules "$1"
  remove_tables
  remove_bridge
  restore_sysctls
}

main() {
  VERB=${1:-}
  [ $# -eq 0 ] || shift
  case $VERB in
  build)
    build "$@"
    echo "$BIN"
    ;;
  up)
    if use_kind; then kind_up; else up; fi
    echo "$KUBECONFIG"
    ;;
  load)
    if use_kind; then kind_load "$@"; else load "$@"; fi
    ;;
  kubeconfig)
    is_up || die "no cluster is up"
    echo "$KUBECONFIG"
    ;;
  backend) if use_kind; then echo kind; else echo node; fi ;;
  audit-log) echo "$STATE/log/audit.log" ;;
  down)
    if use_kind && kind_exists; then kind_down; else down; fi
    ;;
  *) die "usage: cluster.sh build [all|control-plane|kubectl] | up | load ARCHIVE... | kubeconfig | backend | audit-log | down" ;;
  esac
}

main "$@"
