#!/usr/bin/env bash
# controlplane.sh: prints a folder with kube-apiserver, etcd and kubectl, for KUBEBUILDER_ASSETS; builds them first where
# they are missing (some minutes, once), from Go modules alone.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=../lib/steps.sh
source "$root/hack/lib/steps.sh"
# shellcheck source=../lib/cache.sh
source "$root/hack/lib/cache.sh"

assets=$CACHE/ready/controlplane

built=$("$root/hack/cluster/cluster.sh" build control-plane)
mkdir -p "$assets"
for program in kube-apiserver etcd kubectl; do
  [ -x "$built/$program" ] || die "hack/cluster/cluster.sh build control-plane left no $program in $built"
  # A relative link, because the cache may be moved as a whole.
  ln -sfn "$(realpath --relative-to="$assets" "$built/$program")" "$assets/$program"
done
echo "$assets"
