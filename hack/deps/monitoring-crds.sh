#!/usr/bin/env bash
# monitoring-crds.sh: prints a folder with the definitions of Prometheus Operator's kinds; makes them first where they are missing, from the Go
# types of the module that go.mod names.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=../lib/steps.sh
source "$root/hack/lib/steps.sh"
# shellcheck source=../lib/cache.sh
source "$root/hack/lib/cache.sh"

MODULE=github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring

make_definitions() { (cd "$types" && "$generator" crd:crdVersions=v1 paths=./v1/... paths=./v1alpha1/... output:crd:dir="$1"); }

cd "$root"
types=$(go list -m -f '{{.Dir}}' "$MODULE")
[ -n "$types" ] || { go mod download "$MODULE" && types=$(go list -m -f '{{.Dir}}' "$MODULE"); }
generator=$(tool controller-gen)
dest=$CACHE/monitoring-crds-$(key_of "$(go list -m -f '{{.Version}}' "$MODULE")" "$generator" "$(code_of "${BASH_SOURCE[0]}")")
cached "$dest" make_definitions
echo "$dest"
